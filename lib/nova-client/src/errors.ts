/** Stable codes of {@link NovaError}: what happened, independent of the wording. */
export type NovaErrorCode =
  /** The caller's configuration is unusable: bad URL, missing credential, unreadable file. */
  | 'config'
  /** Keystone refused the credentials (401) or the project scope. */
  | 'authFailed'
  /** The address speaks Keystone v2 only. */
  | 'keystoneV2'
  /** The catalogue has no such endpoint. */
  | 'noEndpoint'
  /** Name resolution, connection refused, no route. Nothing was sent. */
  | 'unreachable'
  /** The TLS handshake or the certificate check failed. Nothing was sent. */
  | 'tls'
  /** No (complete) answer in time, or the connection broke after the request went out. */
  | 'timeout'
  | 'connectionLost'
  /** 403 */
  | 'forbidden'
  /** 404 */
  | 'notFound'
  /** 409 */
  | 'conflict'
  /** 400, 406 and other refusals of the request itself. */
  | 'badRequest'
  /** 429 */
  | 'rateLimited'
  /** 5xx */
  | 'serverError'
  /** The body has not the shape the API promises; the message names the field. */
  | 'malformed';

export interface NovaErrorFacts {
  readonly status?: number;
  readonly requestId?: string | null;
  readonly method?: string;
  /** Path and query without host; never holds a secret. */
  readonly path?: string;
  readonly cause?: unknown;
  /** True when the request may have been carried out although no answer came. */
  readonly unanswered?: boolean;
  /** What the cloud's Retry-After asked for, in ms from the time of the answer. */
  readonly retryAfterMs?: number | null;
}

/**
 * Everything that can go wrong between us and the cloud. The message is a sentence an operator can act on,
 * without a full stop, so that callers can go on with what they do about it. Neither the message nor the cause
 * ever holds a password, a secret or a token.
 */
export class NovaError extends Error {
  readonly code: NovaErrorCode;
  readonly status: number | null;
  readonly requestId: string | null;
  readonly method: string | null;
  readonly path: string | null;
  readonly unanswered: boolean;
  readonly retryAfterMs: number | null;

  constructor(code: NovaErrorCode, message: string, facts: NovaErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = 'NovaError';
    this.code = code;
    this.status = facts.status ?? null;
    this.requestId = facts.requestId ?? null;
    this.method = facts.method ?? null;
    this.path = facts.path ?? null;
    this.unanswered = facts.unanswered ?? false;
    this.retryAfterMs = facts.retryAfterMs ?? null;
  }
}
