import type { NovaError } from './errors.ts';
import type { Environment } from './proxy.ts';
import type { RetryLimits } from './retry.ts';
import type { Transport } from './transport.ts';
import type { CallOptions } from './types.ts';

/**
 * What the client takes from its surroundings, so that tests (and programs with their own ideas) can drive it.
 * Everything has the obvious default. `deadline` and `signal` bound the log-in itself.
 */
export interface ConnectDeps extends CallOptions {
  /** Ms since the epoch. */
  readonly now?: () => number;
  /** Resolves after `ms`, or early when the signal fires; never rejects. */
  readonly sleep?: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** 0 up to 1, for the jitter of pauses. */
  readonly random?: () => number;
  /** Proxy variables, REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE are read from here. */
  readonly env?: Environment;
  /** One line per request, for debugging: method, path, status, duration, request id. Never a secret or a token. */
  readonly log?: (line: string) => void;
  /** Each request that ended in an error, repetitions included: for counting. */
  readonly onError?: (error: NovaError) => void;
  /** Bound of one request, in ms (30 s; 75 s for lists that a cell which does not answer holds up for a minute, and for those of volumes). */
  readonly requestTimeoutMs?: number;
  /** Bound of one request with all its repetitions, in ms (60 s; two attempts of such a list of Nova's, one of volumes), unless the call's deadline ends it sooner. */
  readonly budgetMs?: number;
  readonly retry?: Partial<RetryLimits>;
  /**
   * Carries the requests instead of HTTP, proxies and TLS: a cloud in the same process, in a time of its own. It keeps
   * the timeout it is given, by the clock of `now`; nothing else of the client waits but by `sleep`.
   */
  readonly transport?: Transport;
}

/** Resolves after `ms`, or as soon as the signal fires. */
export function sleepFor(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    if (signal?.aborted) done();
    else signal?.addEventListener('abort', done);
  });
}

/**
 * The environment for whoever does not bring one: the library's outermost edge. Programs that take care where
 * their surroundings come in pass `env` themselves.
 */
export function environmentOf(deps: { readonly env?: Environment }): Environment {
  // biome-ignore lint/style/noProcessEnv: the one place where the library falls back to the process's own
  return deps.env ?? process.env;
}
