import type { NovaHost } from '@openstack-ts/nova-client';
import { goCommand, type MarkName } from '../../attrd/index.ts';
import { shortList } from '../look/titles.ts';

/** What is known of the evacuations of a host. */
export interface Standing {
  /** Evacuations of it are on their way to Nova or under way there. One that is overdue may never end and does not count. */
  readonly moving: boolean;
  /** It would ask for something now. */
  readonly wants: boolean;
  /** Something was asked for it in this incident, by whomever. */
  readonly begun: boolean;
}

/** A host that may be evacuated as far as limits of failed hosts and operators are concerned. */
export interface TurnHost {
  /** Nova's name of it. */
  readonly host: NovaHost;
  /** The mark's name. */
  readonly name: MarkName;
  /** When it failed, the same number on every controller: only the order counts. */
  readonly since: number;
  /** An operator's `go` needs no turn; where it evacuates it holds one all the same. */
  readonly needsTurn: boolean;
  /** Held back by a limit or an operator: it asks for nothing. */
  readonly deferred: boolean;
}

/** Nothing was told of it yet: it may be at work since an earlier pass. */
const untold: Standing = { moving: true, wants: true, begun: true };

/**
 * The turns of `max_hosts_at_once`: a host takes one with what it asks for, and gives it back when nothing of it is under way.
 * What was begun comes first, then what failed first; who cannot ask for anything comes before nobody. So no more hosts
 * than allowed are ever at work, and none waits for one that waits itself.
 */
export class Turns {
  readonly #limit: number;
  #hosts: ReadonlyMap<NovaHost, TurnHost> = new Map();
  /** Of the hosts of this pass; null: it has told nothing yet. */
  readonly #told = new Map<NovaHost, Standing | null>();
  /** Of hosts that others work on. */
  #elsewhere: ReadonlyMap<NovaHost, boolean> = new Map();
  /** Left without a word of where they stand: something of them may be under way until Nova was asked. */
  readonly #left = new Set<NovaHost>();

  /** @param limit 0: none */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get isLimited(): boolean {
    return this.#limit > 0;
  }

  /**
   * All hosts whose mark is pending.
   *
   * @param elsewhere those that another evacuator works on, and whether anything of them is under way in Nova
   */
  heed(hosts: readonly TurnHost[], elsewhere: ReadonlyMap<NovaHost, boolean>): void {
    this.#hosts = new Map(hosts.map((one) => [one.host, one]));
    this.#elsewhere = elsewhere;
  }

  /** What Nova has under way of these was asked since they were left, and stands in what was heeded last. */
  lookedAt(hosts: readonly NovaHost[]): void {
    for (const host of hosts) this.#left.delete(host);
  }

  /** This pass works on the host from now on. */
  join(host: NovaHost): void {
    this.#told.set(host, null);
  }

  isJoined(host: NovaHost): boolean {
    return this.#told.has(host);
  }

  tell(host: NovaHost, standing: Standing): void {
    this.#left.delete(host);
    this.#told.set(host, standing);
  }

  /**
   * This pass asks for nothing more of the host; what is under way keeps its turn. One that ended before it told anything, as Nova
   * refused it a list, may have something under way as well as another's.
   */
  rest(host: NovaHost): void {
    const standing = this.#told.get(host) ?? null;
    if (standing === null) this.#leaveUntold(host);
    else this.#told.set(host, { ...standing, wants: false });
  }

  /** The host is through, or no longer ours. */
  leave(host: NovaHost): void {
    this.#told.delete(host);
    this.#left.delete(host);
  }

  /** Another evacuator has the host. Until Nova was asked what that has under way (`lookedAt`), something is. */
  leaveToAnother(host: NovaHost): void {
    this.#leaveUntold(host);
  }

  #leaveUntold(host: NovaHost): void {
    this.#told.delete(host);
    this.#left.add(host);
  }

  /** To be called right before something is asked; false: others hold the turns, or come before. */
  take(host: NovaHost): boolean {
    if (this.#waitsFor(host, true).length > 0) return false;
    this.#told.set(host, { moving: true, wants: true, begun: true });
    return true;
  }

  /**
   * Why a host that would ask for something has to wait, as a sentence without a full stop; null: it need not, or only until the
   * others have told where they stand, which takes seconds.
   */
  sentence(host: NovaHost): string | null {
    const mine = this.#hosts.get(host);
    const others = this.#waitsFor(host, false).filter((other) => this.#standingOf(other, false) !== untold);
    if (mine === undefined || others.length < this.#limit || others.length === 0) return null;
    const verb = this.#told.get(host)?.begun === true ? 'goes on' : 'begins';
    return `${mine.name} waits its turn: as many hosts are being evacuated (${shortList(others)}) as max_hosts_at_once=${this.#limit} allows; it ${verb} when one of them is done, or with: ${goCommand(mine.name)}`;
  }

  /**
   * The hosts that keep one from asking for anything now; none: it may.
   *
   * @param asks it does ask, whatever it last told: others may have taken the turn that it told to need no more
   */
  #waitsFor(host: NovaHost, asks: boolean): readonly NovaHost[] {
    const mine = this.#hosts.get(host);
    const standing = this.#told.get(host) ?? null;
    if (this.#limit === 0 || mine?.needsTurn !== true) return [];
    if (standing !== null && (standing.moving || !(asks || standing.wants))) return [];
    const isBegun = standing?.begun === true;
    const others = new Set([...this.#hosts.keys(), ...this.#told.keys()]);
    others.delete(host);
    const inTheWay = [...others].filter((other) => {
      const its = this.#standingOf(other, isBegun);
      return its !== null && (its.moving || this.#comesBefore(other, its, mine, isBegun));
    });
    return inTheWay.length >= this.#limit ? inTheWay : [];
  }

  /**
   * Null: nobody works on it. Of what others work on nobody here knows whether it was begun: what every controller knows alone
   * decides between them and us, lest each waits for the other.
   */
  #standingOf(host: NovaHost, isBegun: boolean): Standing | null {
    const told = this.#told.get(host);
    if (told !== undefined) return told ?? untold;
    const moving = this.#left.has(host) ? true : this.#elsewhere.get(host);
    return moving === undefined ? null : { moving, wants: true, begun: isBegun };
  }

  #comesBefore(host: NovaHost, its: Standing, mine: TurnHost, isBegun: boolean): boolean {
    const other = this.#hosts.get(host);
    if (other === undefined || other.deferred || !its.wants) return false;
    if (its.begun !== isBegun) return its.begun;
    return other.since < mine.since || (other.since === mine.since && host < mine.host);
  }
}
