import type { ServiceName } from './http.ts';

/** One request as it came in and what became of it. */
export interface LoggedRequest {
  readonly at: number;
  readonly service: ServiceName;
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly body: string;
  readonly microversion: string | null;
  /** Null while it is being worked on, and when it never was answered. */
  status: number | null;
  /** How long the answer took, ms. */
  took: number | null;
  /** A fault struck it. */
  fault: boolean;
}

/** Every request the services received, in order. Passwords and secrets are not kept. */
export class RequestLog {
  entries: LoggedRequest[] = [];

  clear(): void {
    this.entries = [];
  }

  /** Those whose line `METHOD service path` matches. */
  matching(pattern: RegExp | undefined): readonly LoggedRequest[] {
    if (pattern === undefined) return this.entries;
    return this.entries.filter((entry) => pattern.test(`${entry.method} ${entry.service} ${entry.path}`));
  }
}
