import type { NodeName } from '../attrd/names.ts';

/** What the cluster remembers of the fencing of one node. */
export interface Fencing {
  /** Whether the history could be read; the rest says nothing where it could not. */
  readonly known: boolean;
  /**
   * When it was last switched off (`off` or `reboot`, or confirmed by a human), ms since the epoch; null: the history
   * has none. It lives in the fencers' memory, so one that was restarted on all nodes has forgotten everything.
   */
  readonly lastSuccess: number | null;
  /** Whether a fencing of it is under way. */
  readonly pending: boolean;
}

/** A node as the scheduler sees it; `crm_mon` tells it. */
export interface ClusterNode {
  readonly name: NodeName;
  /** `remote`: by a connection of its own; `guest`: by a virtual machine or container that the cluster runs. */
  readonly kind: 'member' | 'remote' | 'guest';
  readonly online: boolean;
  /** A member that is up and has not joined yet, or not left yet. */
  readonly pending: boolean;
  /** To be fenced: until that has succeeded the cluster does not know what runs there, whatever `online` says. */
  readonly unclean: boolean;
  readonly standby: boolean;
  readonly maintenance: boolean;
  /**
   * The start of its connection is under way. Nobody has answered there yet, and crm_mon shows such a node online all the
   * same (a dead one for 17 to 56 s at each attempt, seen on 2.1.5), or, where another node's history of the connection
   * ends with its stop, for the first seconds alone (seen on 3.0.0). Always false for a member.
   */
  readonly connecting: boolean;
}

/** Why nobody can tell what the nodes are. */
export type Untold =
  /** crm_mon is not installed. */
  | 'missing'
  /** It failed, was late, or its answer is not understood; Pacemaker is not there. */
  | 'failed'
  /** The cluster has no designated controller: what stands in the CIB is what the last one left. */
  | 'noDc'
  /** What happens to the nodes on the other side is not known on this one. */
  | 'noQuorum'
  /** Pacemaker on this machine is starting or stopping, so that its copy of the CIB may be old. */
  | 'unsettled';

/** The nodes of the cluster, or that they could not be told: an absence is concluded from the first alone. */
export type NodesReading = { readonly known: true; readonly nodes: readonly ClusterNode[] } | NodesUntold;

/** The nodes could not be told. */
export interface NodesUntold {
  readonly known: false;
  readonly why: Untold;
  /** What stands in the way, as a main clause. */
  readonly sentence: string;
  /** What an operator can do about it, or look at. */
  readonly remedy: string;
}
