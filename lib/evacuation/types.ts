import type { CloudConfig, ComputeService, NovaClient } from '@openstack-ts/nova-client';
import type { ConnectionValues } from './connectionParameters.ts';

/**
 * Turns the operator's parameters into the configuration of a cloud (clouds.yaml merged in).
 * Throws `NovaError` with code `config` and one sentence that names the parameter at fault.
 */
export type ToCloudConfig = (values: ConnectionValues, env: NodeJS.ProcessEnv) => Promise<CloudConfig>;

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

export type HoldDown = (nova: NovaClient, service: ComputeService, now: Date) => Promise<HoldDownResult>;
