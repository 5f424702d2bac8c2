import type { NovaClient } from '@openstack-ts/nova-client';
import type { Attributes } from '../attrd/attributes.ts';
import type { MarkStore } from '../attrd/index.ts';
import type { Clock, PassLog } from './hostEvacuation.ts';
import type { LocalCompute } from './localCompute.ts';

/** The way back of one host, walked on the host itself. */
export interface ComeBackOptions {
  /** This node's name in the cluster. */
  readonly node: string;
  /** Nova's name of this host, as its nova.conf gives it. */
  readonly host: string;
  readonly dnsDomain: string | undefined;
  readonly marks: MarkStore;
  readonly attributes: Attributes;
  /** Logs in to Nova; not called where the host was never fenced. Throws `NovaError`. Null: no login was configured. */
  readonly connect: ((deadline: number) => Promise<NovaClient>) | null;
  readonly compute: LocalCompute;
  readonly clock: Clock;
  readonly log: PassLog;
  /** nova-compute is not started later than this, in ms since the epoch. */
  readonly startBy: number;
  /** Once nova-compute runs, the release is waited for this long, in ms; the rest is left to whoever comes next. */
  readonly releaseMs: number;
  /** Hard end of everything, in ms since the epoch. */
  readonly deadline: number;
}

export type ComeBackOutcome =
  /** nova-compute runs and nothing is owed any more. The sentence says what was done; null when nothing was. */
  | { readonly kind: 'released'; readonly sentence: string | null }
  /** nova-compute runs; Nova does not use the host again yet. Says what is waited for, and since when. */
  | { readonly kind: 'owed'; readonly sentence: string }
  /** nova-compute was not started, because that is not known to be safe. Says why. */
  | { readonly kind: 'unsafe'; readonly sentence: string };

/**
 * Brings a host back: waits until no evacuation of its instances can be in flight, starts its nova-compute while Nova
 * still holds it forced down, and walks the release (`release.ts`) as far as the time allows. Where the host was never
 * fenced, nova-compute is started at once and Nova is not asked. May be called again at any point, by anyone.
 * Throws `ComputeError` of `options.compute`; trouble with the cluster or with Nova is an outcome.
 */
export async function comeBack(_options: ComeBackOptions): Promise<ComeBackOutcome> {
  throw new Error('not written yet');
}
