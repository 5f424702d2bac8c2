import type { Clock } from './clock.ts';

/** The invariants of the design that a cloud can see broken from its side. */
export type Rule =
  /** An evacuation was requested for a host that Nova does not hold down. */
  | 'I1'
  /** An evacuation was requested for an instance that has one in flight, or that has left the failed host already. */
  | 'I2'
  /** nova-compute was started, or forced_down cleared, with an evacuation away from the host in flight. */
  | 'I3'
  /** A host that somebody else had disabled, with a reason of their own, was enabled. */
  | 'I7'
  /** One instance ran on two hosts: the damage all the rules are there to prevent. */
  | 'twice';

export interface Violation {
  readonly at: number;
  readonly rule: Rule;
  readonly host: string;
  readonly server: string | null;
  readonly sentence: string;
}

/** Writes down what must never happen, at the moment it happens, from what really is and not from what the API shows. */
export class Observer {
  readonly violations: Violation[] = [];
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  record(rule: Rule, host: string, server: string | null, sentence: string): void {
    this.violations.push({ at: this.#clock.now(), rule, host, server, sentence });
  }
}
