import type { Incident } from './incident.ts';
import type { Known } from './known.ts';
import type { MarkName, NodeName } from './names.ts';
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

/** One mark as it stands in the cluster, both sides seen. */
export interface MarkReading {
  /** The name the mark is kept under: a cluster node's, or (in old clusters) Nova's name of the host. */
  readonly name: MarkName;
  /** What counts: the transient value where somebody may have said it, else the permanent one. */
  readonly mark: Mark;
  /** The permanent side alone; `none` for a name that is no cluster node. */
  readonly permanent: Mark;
  /** The transient side alone. */
  readonly transient: Mark;
  /**
   * The incident that the permanent side carries. Null: there is none, or somebody who knows no incidents changed the
   * permanent side since (the original agents, our version before, an operator).
   */
  readonly incident: Incident | null;
}

/** All marks, the nodes that the CIB lists, and what operators say of evacuations there. */
export interface MarksReading {
  readonly marks: readonly MarkReading[];
  /** The last incident of each node that has one, those that are over among them. */
  readonly incidents: ReadonlyMap<MarkName, Incident>;
  /** Nodes in the CIB's nodes section: all full nodes, but remote nodes only once they bear an attribute. */
  readonly clusterNodes: readonly NodeName[];
  /** The values of the word `evacuation` as the CIB has them: `judgeWords` says what they mean. */
  readonly words: readonly SaidWord[];
}

/** Which mark is meant: one of another incident is left as it is. */
export type MarkMeant = Pick<MarkReading, 'name' | 'incident'>;

/**
 * The mark's two sides as one thing; `markStore.ts` says how they belong together. Every method throws `AttrdError` when the
 * tools refuse, are missing or do not answer in time; nothing is ever reported as written that was not.
 */
export interface MarkStore {
  /** Asks attrd and the CIB, in parallel. Changes nothing. */
  readAll(): Promise<MarksReading>;
  /**
   * Fenced: a new incident, whatever was there before, permanent side first. Whoever was at work on the one before stays its
   * owner and finds out. Returns the incident; null: the name has no permanent side (is no cluster node).
   */
  setYes(name: MarkName, by: string): Promise<{ readonly incident: Incident | null }>;
  /**
   * Fenced, and nothing is there to evacuate: a new incident that is through from the start, in place of one that is. So what is
   * under way to this host counts as lost with it. Null: a mark is pending by now, or the name has no permanent side.
   */
  noteFencing(name: MarkName, by: string): Promise<Incident | null>;
  /**
   * Adds when the incident began on Nova's clock, in ms since the epoch, unless somebody has. `measured`: by the clock of whoever began
   * it; that goes before what was worked out.
   */
  noteNovaTime(meant: MarkMeant, novaAt: number, measured: boolean): Promise<void>;
  /**
   * Makes `who` the owner of a pending incident. Returns it as it then stands; null: it has changed hands, or another
   * incident has begun, since it was read.
   */
  own(meant: MarkMeant, who: string): Promise<Incident | null>;
  /**
   * Leaves what its owner knows of an incident for whoever comes next, in place of what was left before. Returns the incident;
   * null: it has changed hands, or ended, or another has begun.
   */
  remember(meant: MarkMeant, known: Known): Promise<Incident | null>;
  /** `WHO@EPOCH` in the transient side alone: the owner's sign of life. */
  claim(name: MarkName, claim: { readonly who: string; readonly at: number }): Promise<void>;
  /** The owner is not at work for now: transient `yes` again. */
  release(name: MarkName): Promise<void>;
  /**
   * Brings the two sides in step after a purge or a write by hand: a pending mark gets an incident and both sides, a
   * transient `no` (an operator's or an original agent's word) ends the incident it was read with. Returns whether the name has
   * a permanent side (is a cluster node), and the incident as it then stands; null: there is none, or somebody else
   * changed the mark meanwhile.
   */
  repair(
    reading: MarkReading,
    by: string,
  ): Promise<{ readonly permanent: boolean; readonly incident: Incident | null }>;
  /** A `no` of an earlier incident can no longer come: from now on a transient `no` is an operator's word. */
  heedNo(meant: MarkMeant): Promise<void>;
  /**
   * Evacuated: `no` (the host's release is still owed). `owner`: its owner has seen that nothing is in flight; `word`: an operator said so.
   * False: another incident has begun, or it changed hands.
   */
  setNo(meant: MarkMeant, by: 'owner' | 'word'): Promise<boolean>;
  /** `no` where there is no mark: Nova holds the host down for us, and nobody remembers. */
  owe(name: MarkName, by: string): Promise<void>;
  /** What `setYes` has begun is taken back: the mark reads as `before` again. */
  takeBack(meant: MarkMeant, before: 'none' | 'no'): Promise<void>;
  /** Released: removes a mark that reads `no`. */
  clearNo(name: MarkName): Promise<void>;
}

/** What an operator says of evacuations: `pause`: ask for nothing new; `go`: whatever the limits say. */
export type Mode = 'normal' | 'pause' | 'go';

/** The word `evacuation` as operators have left it in the cluster. A node's own wins over the cluster's. */
export interface EvacuationModes {
  readonly cluster: Mode;
  /** By node, as the cluster (or attrd, which takes any name) spells it; only those for which something is said. */
  readonly nodes: ReadonlyMap<NodeName, Mode>;
  /** Nodes for which it stands in the transient attribute alone, which the cluster forgets at fencing and rejoin. */
  readonly transient: ReadonlySet<NodeName>;
  /** Values that nobody defined, each taken for `pause`. `where`: a node; null: the cluster. */
  readonly unknown: readonly { readonly where: NodeName | null; readonly value: string }[];
}
