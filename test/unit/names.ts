import type { NovaHost, ServerId } from '@openstack-ts/nova-client';
import type { MarkName, NodeName } from '../../lib/attrd/index.ts';
import type { HostKey } from '../../lib/evacuation/incident/names.ts';

type Name = NovaHost | ServerId | NodeName | MarkName | HostKey;

/** A shape with plain texts where names of a kind stand, as tests write it down. */
export type Plain<T> = T extends Name
  ? string
  : T extends (...args: infer A) => infer R
    ? (...args: A) => Plain<R>
    : T extends ReadonlyMap<infer K, infer V>
      ? ReadonlyMap<Plain<K>, Plain<V>>
      : T extends ReadonlySet<infer V>
        ? ReadonlySet<Plain<V>>
        : T extends object
          ? { [K in keyof T]: Plain<T[K]> }
          : T;

/** Takes the texts of a test for the names that they stand for. */
export function named<T>(plain: Plain<T>): T {
  return plain as T;
}

/** What takes plain texts where it took names of a kind. */
export type Plainly<T> = T extends (...args: infer A) => infer R
  ? (...args: { [K in keyof A]: Plain<A[K]> }) => R
  : { [K in keyof T]: T[K] extends (...args: never[]) => unknown ? Plainly<T[K]> : T[K] };

/** Lets a test call a function, or an object's methods, with plain texts. */
export function plainly<T>(called: T): Plainly<T> {
  return called as unknown as Plainly<T>;
}
