/** Requests with repetitions, bounds, logging and counting; still without tokens. */

import { Field, WrongShape } from './decode.ts';
import { type ConnectDeps, sleepFor } from './deps.ts';
import { NovaError } from './errors.ts';
import { refusal } from './refusal.ts';
import { defaultRetryLimits, pauseAfter, type RetryLimits } from './retry.ts';
import { type Answer, type Exchange, header, nameOf, pathOf, type Transport } from './transport.ts';
import type { CallOptions } from './types.ts';

export interface Call extends Exchange {
  /** `safe`: may be sent again when it failed in passing. `never`: sent once, whatever comes of it. */
  readonly repeat: 'safe' | 'never';
  /** Statuses besides 2xx that are handed back instead of thrown. */
  readonly accept?: readonly number[];
}

/** Until when a call may go on, repetitions included. */
export interface Bounds {
  readonly deadline: number;
  readonly signal?: AbortSignal;
}

export class Requester {
  requestCount = 0;
  clockOffsetMs = 0;
  readonly now: () => number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  private readonly transport: Transport;
  private readonly random: () => number;
  private readonly log: (line: string) => void;
  private readonly onError: (error: NovaError) => void;
  private readonly requestTimeoutMs: number;
  private readonly budgetMs: number;
  private readonly limits: RetryLimits;
  private readonly secrets = new Set<string>();

  constructor(transport: Transport, deps: ConnectDeps) {
    this.transport = transport;
    this.now = deps.now ?? Date.now;
    this.sleep = deps.sleep ?? sleepFor;
    this.random = deps.random ?? Math.random;
    this.log = deps.log ?? (() => undefined);
    this.onError = deps.onError ?? (() => undefined);
    this.requestTimeoutMs = deps.requestTimeoutMs ?? 30_000;
    this.budgetMs = deps.budgetMs ?? 60_000;
    this.limits = { ...defaultRetryLimits, ...deps.retry };
  }

  bounds(options: CallOptions = {}): Bounds {
    const deadline = Math.min(options.deadline ?? Number.POSITIVE_INFINITY, this.now() + this.budgetMs);
    return { deadline, ...(options.signal === undefined ? {} : { signal: options.signal }) };
  }

  /** Whatever the cloud says later, this text is taken out of it. */
  keepSecret(secret: string): void {
    if (secret.length >= 3) this.secrets.add(secret);
  }

  /** The complete answer with a 2xx (or accepted) status; everything else is thrown as `NovaError`. */
  async send(call: Call, bounds: Bounds): Promise<Answer> {
    for (let done = 1; ; done++) {
      try {
        return await this.attempt(call, bounds);
      } catch (error) {
        if (!(error instanceof NovaError)) throw error;
        this.onError(error);
        if (call.repeat === 'never') throw error;
        const pause = pauseAfter(error, done, this.limits, this.random());
        // A pause that outlasts the bounds would only turn a telling error into a late one.
        if (pause === null || bounds.signal?.aborted || this.now() + pause >= bounds.deadline) throw error;
        this.log(`${call.service}: ${call.method} ${pathOf(call.url)} is repeated in ${pause} ms`);
        await this.sleep(pause, bounds.signal);
      }
    }
  }

  private async attempt(call: Call, bounds: Bounds): Promise<Answer> {
    const started = this.now();
    const timeoutMs = Math.min(this.requestTimeoutMs, bounds.deadline - started);
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
      answer = await this.transport.send(call, timeoutMs, bounds.signal);
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

  refusal(answer: Answer): NovaError {
    return refusal(answer, this.now(), (text) => this.hide(text));
  }

  private hide(text: string): string {
    let hidden = text;
    for (const secret of this.secrets) hidden = hidden.replaceAll(secret, '***');
    return hidden;
  }

  private readClock(answer: Answer): void {
    const date = Date.parse(header(answer.headers, 'date') ?? '');
    if (!Number.isNaN(date)) this.clockOffsetMs = date - this.now();
  }
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
    const type = (header(answer.headers, 'content-type') ?? 'of no content type').split(';')[0] ?? '';
    const found = answer.text.trim() === '' ? 'empty' : `not JSON (${type.slice(0, 60)})`;
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
