import { type RefusalReason, refusalReason } from './reason.ts';
import { tellable } from './secrets.ts';

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
 * ever holds a password, a secret or a token, and neither is long or has more than one line: this is the one place that
 * sees to it, whoever made the sentence of what.
 */
export class NovaError extends Error {
  readonly code: NovaErrorCode;
  /** What Nova's words mean, where it refused (400, 409) and they tell; null otherwise. */
  readonly reason: RefusalReason | null;
  readonly status: number | null;
  readonly requestId: string | null;
  readonly method: string | null;
  readonly path: string | null;
  readonly unanswered: boolean;
  readonly retryAfterMs: number | null;

  constructor(code: NovaErrorCode, message: string, facts: NovaErrorFacts = {}) {
    super(tellable(message), facts.cause === undefined ? undefined : { cause: harmless(facts.cause) });
    this.name = 'NovaError';
    this.code = code;
    this.reason = ['conflict', 'badRequest', 'forbidden'].includes(code) ? refusalReason(message) : null;
    this.status = facts.status ?? null;
    this.requestId = facts.requestId ?? null;
    this.method = facts.method ?? null;
    this.path = facts.path === undefined ? null : tellable(facts.path);
    this.unanswered = facts.unanswered ?? false;
    this.retryAfterMs = facts.retryAfterMs ?? null;
  }
}

/** The cause with nothing but its message and its code: what Node hangs on an error may be the whole request or answer. */
function harmless(cause: unknown): unknown {
  if (cause instanceof NovaError) return cause;
  if (!(cause instanceof Error)) return tellable(String(cause));
  const plain = new Error(tellable(cause.message));
  plain.name = cause.name;
  return 'code' in cause ? Object.assign(plain, { code: cause.code }) : plain;
}
