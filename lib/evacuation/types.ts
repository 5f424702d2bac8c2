import type { ComputeService } from '@openstack-ts/nova-client';

/** Which Nova host a plug or node name means, or why none. See `names.ts`. */
export type HostMatch =
  | { readonly kind: 'host'; readonly service: ComputeService }
  | { readonly kind: 'unknown'; readonly sentence: string }
  | { readonly kind: 'ambiguous'; readonly candidates: readonly string[]; readonly sentence: string };

/** Result of making sure that Nova holds a host down. */
export interface HoldDownResult {
  /** forced_down was written now (false: it was already so). */
  readonly forcedDown: boolean;
  readonly disabled: boolean;
  /** For the log. */
  readonly sentence: string;
}
