/** Requests with repetitions, bounds, logging and counting; still without tokens. */

import { Field, WrongShape } from './decode.ts';
import { type ConnectDeps, sleepFor } from './deps.ts';
import { NovaError } from './errors.ts';
import { refusal } from './refusal.ts';
import { defaultRetryLimits, pauseAfter, type RetryLimits } from './retry.ts';
import { hideSecrets, plainRequestId, quoted, tellable } from './secrets.ts';
import { type Answer, type Exchange, header, nameOf, pathOf, seconds, type Transport } from './transport.ts';
import type { CallOptions } from './types.ts';

export interface Call extends Exchange {
  /** `safe`: may be sent again when it failed in passing. `never`: sent once, whatever comes of it. */
  readonly repeat: 'safe' | 'never';
  /**
   * An answer that takes its time. Nova asks the database of every cell for some: one that does not answer holds it up for a
   * minute (CELL_TIMEOUT in nova/context.py, not configurable), and then it comes all the same, right for the other cells. Cinder
   * goes through all volumes there are for those with a property of an image.
   */
  readonly isSlow?: boolean;
  /** Statuses besides 2xx that are handed back instead of thrown. */
  readonly accept?: readonly number[];
}

/** Nova's minute for a cell that does not answer, and what the rest takes, in ms. */
const slowMs = 75_000;

/** Until when a call may go on, repetitions included. */
export interface Bounds {
  readonly deadline: number;
  readonly signal?: AbortSignal;
}

export class Requester {
  requestCount = 0;
  clockOffsetMs = 0;
  isClockKnown = false;
  readonly now: () => number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  private readonly transport: Transport;
  private readonly random: () => number;
  private readonly log: (line: string) => void;
  private readonly onError: (error: NovaError) => void;
  private readonly requestTimeoutMs: number;
  private readonly slowTimeoutMs: number;
  private readonly budgetMs: number | null;
  private readonly limits: RetryLimits;

  constructor(transport: Transport, deps: ConnectDeps) {
    this.transport = transport;
    this.now = deps.now ?? unsetClock;
    this.sleep = deps.sleep ?? sleepFor;
    this.random = deps.random ?? Math.random;
    const log = deps.log ?? (() => undefined);
    this.log = (line) => log(hideSecrets(line));
    this.onError = deps.onError ?? (() => undefined);
    this.requestTimeoutMs = deps.requestTimeoutMs ?? 30_000;
    // Who sets a bound means it for every request.
    this.slowTimeoutMs = deps.requestTimeoutMs ?? slowMs;
    this.budgetMs = deps.budgetMs ?? null;
    this.limits = { ...defaultRetryLimits, ...deps.retry };
  }

  /** @param slowAttempts for a slow answer, how many times its longest there is */
  bounds(options: CallOptions = {}, slowAttempts = 0): Bounds {
    const budgetMs = this.budgetMs ?? (slowAttempts === 0 ? 60_000 : slowAttempts * slowMs);
    const deadline = Math.min(options.deadline ?? Number.POSITIVE_INFINITY, this.now() + budgetMs);
    return { deadline, ...(options.signal === undefined ? {} : { signal: options.signal }) };
  }

  /** The complete answer with a 2xx (or accepted) status; everything else is thrown as `NovaError`. */
  async send(call: Call, bounds: Bounds): Promise<Answer> {
    const started = this.now();
    for (let done = 1; ; done++) {
      try {
        return await this.attempt(call, bounds);
      } catch (error) {
        if (!(error instanceof NovaError)) throw error;
        this.onError(error);
        if (call.repeat === 'never') throw error;
        const pause = pauseAfter(error, done, this.limits, this.random());
        // A pause that outlasts the bounds would only turn a telling error into a late one.
        if (pause === null || bounds.signal?.aborted || this.now() + pause >= bounds.deadline) {
          throw inAll(error, done, this.now() - started);
        }
        this.log(`${call.service}: ${call.method} ${pathOf(call.url)} is repeated in ${pause} ms`);
        await this.sleep(pause, bounds.signal);
      }
    }
  }

  private async attempt(call: Call, bounds: Bounds): Promise<Answer> {
    const started = this.now();
    const longest = call.isSlow ? this.slowTimeoutMs : this.requestTimeoutMs;
    const timeoutMs = Math.min(longest, bounds.deadline - started);
    if (timeoutMs <= 0 || bounds.signal?.aborted) {
      throw new NovaError('timeout', `There was no time left to ask ${nameOf(call)} to ${call.purpose}`, {
        method: call.method,
        path: pathOf(call.url),
      });
    }
    this.requestCount++;
    const line = `${call.service}: ${call.method} ${pathOf(call.url)}`;
    let answer: Answer;
    try {
      const sent = await this.transport.send(call, timeoutMs, bounds.signal);
      answer = { ...sent, requestId: plainRequestId(sent.requestId) };
    } catch (error) {
      const what = error instanceof NovaError ? error.code : 'failed';
      this.log(`${line} ${what} after ${this.now() - started} ms`);
      throw error;
    }
    this.log(`${line} ${answer.status} in ${this.now() - started} ms ${answer.requestId ?? '-'}`);
    if (call.service === 'Nova') this.readClock(answer);
    const { status } = answer;
    if ((status >= 200 && status < 300) || call.accept?.includes(status)) return answer;
    throw this.refusal(answer);
  }

  /** A line for debugging: what was passed over. */
  note(line: string): void {
    this.log(line);
  }

  refusal(answer: Answer): NovaError {
    return refusal(answer, this.now());
  }

  private readClock(answer: Answer): void {
    const date = Date.parse(header(answer.headers, 'date') ?? '');
    if (Number.isNaN(date)) return;
    this.clockOffsetMs = date - this.now();
    this.isClockKnown = true;
  }
}

/** The last of several attempts may have had a second left; what counts is how long the service had been asked. */
function inAll(error: NovaError, attempts: number, ms: number): NovaError {
  if (error.code !== 'timeout' || attempts === 1) return error;
  const { code, status, requestId, method, path, cause, unanswered, retryAfterMs } = error;
  return new NovaError(
    code,
    `${error.message} (attempt ${attempts}; it was asked for ${seconds(ms)} s in all)`,
    {
      ...(status === null ? {} : { status }),
      requestId,
      ...(method === null ? {} : { method }),
      ...(path === null ? {} : { path }),
      ...(cause === undefined ? {} : { cause }),
      unanswered,
      retryAfterMs,
    },
  );
}

/** Reads a JSON body; a body that is none, or of another shape, is a `NovaError` with code `malformed`. */
export function decode<T>(answer: Answer, read: (body: Field) => T): T {
  try {
    return read(new Field(parseBody(answer)));
  } catch (error) {
    if (!(error instanceof WrongShape)) throw error;
    const { exchange } = answer;
    const sentence = `${nameOf(exchange)} sent a malformed answer when asked to ${exchange.purpose}: ${error.message}`;
    throw new NovaError('malformed', sentence, {
      status: answer.status,
      requestId: answer.requestId,
      method: exchange.method,
      path: pathOf(exchange.url),
    });
  }
}

function parseBody(answer: Answer): unknown {
  try {
    return JSON.parse(answer.text);
  } catch {
    const found = answer.text.trim() === '' ? 'empty' : `not JSON (${kindOf(answer)})`;
    const { exchange } = answer;
    throw new NovaError(
      'malformed',
      `${nameOf(exchange)} sent a body that is ${found} when asked to ${exchange.purpose}`,
      {
        status: answer.status,
        requestId: answer.requestId,
        method: exchange.method,
        path: pathOf(exchange.url),
      },
    );
  }
}

function kindOf(answer: Answer): string {
  const encoding = header(answer.headers, 'content-encoding');
  // Asked for as it is; a proxy that packs it all the same is to be found by its name.
  if (encoding !== null && encoding !== 'identity')
    return `encoded as ${quoted(encoding)}, which was not asked for`;
  const type = header(answer.headers, 'content-type');
  return type === null ? 'of no content type' : tellable(type.split(';')[0] ?? '', 60);
}

/** The time in ms since the epoch, which nobody sets while the process lasts. */
function unsetClock(): number {
  return Math.round(performance.timeOrigin + performance.now());
}
