import type { SaidWord } from './parseCib.ts';

/**
 * The mark: "this host was fenced, its instances wait for evacuation". Its values are shared with the original
 * agents and fixed: absent, `""` or `no` = nothing to do, `yes` = to be evacuated, `WHO@EPOCH` = claimed.
 */
export type Mark =
  | { readonly kind: 'none' }
  | { readonly kind: 'no' }
  | { readonly kind: 'yes' }
  /** `at` in seconds since the epoch: when the claimant was last alive. */
  | { readonly kind: 'claimed'; readonly who: string; readonly at: number }
  /** Somebody wrote something that nobody defined; never acted on, always named. */
  | { readonly kind: 'unknown'; readonly value: string };

/** One mark as it stands in the cluster, both copies seen. */
export interface MarkReading {
  /** The name the mark is kept under: a cluster node's, or (in old clusters) Nova's name of the host. */
  readonly name: string;
  /** What counts: the transient value where there is one, else the permanent one. */
  readonly mark: Mark;
  /** The permanent copy alone; `none` for a name that is no cluster node. */
  readonly permanent: Mark;
  /** The transient copy alone. */
  readonly transient: Mark;
}

/** All marks, the nodes that the CIB lists, and what operators say of evacuations there. */
export interface MarksReading {
  readonly marks: readonly MarkReading[];
  /** Nodes in the CIB's nodes section: all full nodes, but remote nodes only once they bear an attribute. */
  readonly clusterNodes: readonly string[];
  /** The values of the word `evacuation` as the CIB has them: `judgeWords` says what they mean. */
  readonly words: readonly SaidWord[];
}

/**
 * The mark's two copies as one thing. Every method throws `AttrdError` when the tools refuse, are missing or
 * do not answer in time; nothing is ever reported as written that was not.
 */
export interface MarkStore {
  /** Asks attrd and the CIB, in parallel. Changes nothing. */
  readAll(): Promise<MarksReading>;
  /** `yes`, permanent copy first. Returns whether the name has a permanent copy (is a cluster node). */
  setYes(name: string): Promise<{ readonly permanent: boolean }>;
  /** `WHO@EPOCH` in the transient copy alone. */
  claim(name: string, claim: { readonly who: string; readonly at: number }): Promise<void>;
  /** Gives a claim back: transient `yes` again, the permanent copy still says `yes`. */
  release(name: string): Promise<void>;
  /**
   * Brings the two copies in step after a purge or a write by hand: a pending mark gets both copies, a transient
   * `no` (an operator's or an original agent's word) is copied to the permanent one. Does nothing when they agree.
   * Returns whether the name has a permanent copy (is a cluster node).
   */
  repair(reading: MarkReading): Promise<{ readonly permanent: boolean }>;
  /** Evacuated: transient and permanent copy `no` (release of the host is still owed). */
  setNo(name: string): Promise<void>;
  /** Taken back: both copies removed, the permanent one last. */
  clear(name: string): Promise<void>;
  /**
   * Released: removes a mark that reads `no`, the permanent copy last and only while it still says so. A fencing at
   * this very moment writes that copy first, and what it writes stays.
   */
  clearNo(name: string): Promise<void>;
}

/** What an operator says of evacuations: `pause`: ask for nothing new; `go`: whatever the limits say. */
export type Mode = 'normal' | 'pause' | 'go';

/** The word `evacuation` as operators have left it in the cluster. A node's own wins over the cluster's. */
export interface EvacuationModes {
  readonly cluster: Mode;
  /** By node, as the cluster (or attrd, which takes any name) spells it; only those for which something is said. */
  readonly nodes: ReadonlyMap<string, Mode>;
  /** Nodes for which it stands in the transient attribute alone, which the cluster forgets at fencing and rejoin. */
  readonly transient: ReadonlySet<string>;
  /** Values that nobody defined, each taken for `pause`. `where`: a node; null: the cluster. */
  readonly unknown: readonly { readonly where: string | null; readonly value: string }[];
}

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
