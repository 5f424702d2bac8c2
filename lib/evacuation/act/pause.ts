import type { RequestedHost, RequestScope } from './requestScope.ts';

/** Until when nothing new is asked for a host: Nova asked for that, or could not be reached. Times in ms since the epoch. */
export class Pause {
  readonly #scope: Pick<RequestScope, 'backOff' | 'gate'>;
  readonly #marked: Pick<RequestedHost, 'name'>;
  /** Of this host, in this pass. */
  #until = 0;

  constructor(scope: Pick<RequestScope, 'backOff' | 'gate'>, marked: Pick<RequestedHost, 'name'>) {
    this.#scope = scope;
    this.#marked = marked;
  }

  get until(): number {
    return this.isByWord ? this.#until : Math.max(this.#until, this.#scope.backOff.until);
  }

  /** An operator wants it at once, whatever Nova asked for. */
  get isByWord(): boolean {
    return this.#scope.gate(this.#marked.name).byWord === true;
  }

  /** This host alone. */
  wait(until: number): void {
    this.#until = Math.max(this.#until, until);
  }

  /** All hosts: whichever is asked for, it is the same Nova. */
  waitAll(until: number): void {
    const { backOff } = this.#scope;
    this.wait(until);
    backOff.until = Math.max(backOff.until, until);
  }
}
