import type { CallOptions, ComputeService, NovaClient, NovaHost } from '@openstack-ts/nova-client';
import type { MarkName, MarkStore, NodeName } from '../../attrd/index.ts';
import type { Fencing } from '../../cluster/index.ts';
import type { Clock } from '../incident/clock.ts';
import type { Silence } from '../look/silence.ts';
import type { PassLog } from '../tell/passLog.ts';
import type { ReleaseWait } from './release.ts';

/** What a release works with. */
export interface ReleaseScope {
  readonly nova: NovaClient;
  readonly marks: MarkStore;
  readonly clock: Pick<Clock, 'now' | 'sleep'>;
  readonly log: PassLog;
  readonly callOptions: CallOptions;
  /** What the cluster remembers of a node's fencing, where that can be asked. */
  readonly readFencing?: (node: NodeName) => Promise<Fencing>;
  /** What the cluster calls a host; without it the names that a node of the host may have are tried. */
  readonly nodesOf?: (host: NovaHost) => Promise<readonly NodeName[]>;
  /** Told at each look what is waited for. */
  readonly show?: (wait: { readonly for: ReleaseWait; readonly sentence: string }) => Promise<void>;
}

/** The host that is taken back. */
export interface ReleasedHost {
  /** Nova's name, or the best that is known of it. */
  readonly host: NovaHost;
  /** The names under which its mark is kept. */
  readonly names: readonly MarkName[];
  /** Its service, read anew; null when Nova knows none. */
  readonly service: () => Promise<ComputeService | null>;
  /** What the machine, or whoever looks from outside, says of its nova-compute. */
  readonly compute: (service: ComputeService | null) => Promise<'held' | 'running' | 'silent'>;
  /** For how long Placement was asked in vain, from walk to walk; undefined: nobody walks it again, and it is not waited for. */
  readonly notes?: { placementSilence: Silence | null };
  /** Starts its nova-compute, never called where `compute` is not `held`; false when the walk ends there. */
  readonly start: () => Promise<boolean>;
}

export type ReleaseOutcome =
  | {
      readonly kind: 'released';
      readonly sentence: string | null;
      /** Instances that stay and do not run need somebody to look at them. */
      readonly troubled: boolean;
    }
  | { readonly kind: 'waiting'; readonly for: ReleaseWait; readonly sentence: string }
  /** Nova or the cluster could not be asked, or refused. */
  | { readonly kind: 'troubled'; readonly sentence: string };
