import type { ComputeService, NovaHost } from '@openstack-ts/nova-client';
import { AttrdError, type Incident, type MarkName, type MarkReading } from '../../attrd/index.ts';
import { rethrowUnless } from '../../rethrow.ts';
import { fencedAgain } from '../incident/claims.ts';
import { incidentTime } from '../incident/incidentTime.ts';
import { isSameHost, markOfHost } from '../incident/names.ts';
import { inTurnOf } from '../look/twins.ts';
import { mishap } from '../tell/mishap.ts';
import type { HostOutcome } from '../tell/outcome.ts';
import type { OurMarks } from './claimedMarks.ts';
import { type HostHints, newHostHints } from './hints.ts';
import { type Candidate, type Found, HostChoice, type World } from './hostChoice.ts';
import { HostEvacuation } from './hostEvacuation.ts';
import type { Ledger } from './ledger.ts';
import { LeftAlone } from './leftAlone.ts';
import type { Limits } from './limits.ts';
import type { PassOptions } from './passOptions.ts';
import type { PassScope } from './passScope.ts';
import type { Proofs } from './proofs.ts';
import type { Running } from './running.ts';

type Options = Pick<PassOptions, 'marks' | 'me' | 'hints' | 'keepHints' | 'clock' | 'log'>;

/** The evacuations of a pass, side by side: each host once, whatever names it is marked under. */
export class Evacuations {
  readonly #options: Options;
  readonly #ledger: Ledger;
  readonly #proofs: Proofs;
  readonly #limits: Limits;
  readonly #running: Running;
  readonly #leftAlone: LeftAlone;
  readonly #choice: HostChoice;
  /** The names under which each host that is worked on bears its mark; those that may be one machine share them. */
  readonly #names = new Map<NovaHost, MarkName[]>();

  constructor(options: Options, ledger: Ledger, proofs: Proofs, limits: Limits, running: Running) {
    this.#options = options;
    this.#ledger = ledger;
    this.#proofs = proofs;
    this.#limits = limits;
    this.#running = running;
    this.#leftAlone = new LeftAlone(options.clock);
    this.#choice = new HostChoice(options.clock, ledger, proofs, this.#leftAlone);
  }

  isTaken(name: MarkName): boolean {
    return this.#leftAlone.has(name, this.#names.size === 0);
  }

  /** Whether another host's evacuation goes on, or a deferred one waits for it to. */
  othersAtWork(name: MarkName): boolean {
    return [...this.#names.values()].some(
      (names) => !names.includes(name) && names.every((other) => this.#limits.gate(other).kind === 'go'),
    );
  }

  /**
   * Starts on marks that are ours to take; when one that is not certain yet has to be looked at again, else null.
   *
   * @param all marks, as they were read at `readAt`
   * @param lookAgainMs after which one that is not certain is looked at again
   */
  async start(
    scope: PassScope,
    ours: OurMarks,
    world: World,
    all: readonly MarkReading[],
    readAt: number,
    lookAgainMs: number,
  ): Promise<number | null> {
    const isWorkedOn = (host: NovaHost) => this.#names.has(host);
    const { hosts, joining, lookAt } = await this.#choice.choose(
      scope,
      ours,
      world,
      all,
      isWorkedOn,
      lookAgainMs,
    );
    const known = new Set([...hosts.flatMap(({ names }) => names), ...joining.map(({ name }) => name)]);
    if (known.size === 0) return lookAt;
    for (const { service } of hosts) scope.turns.join(service.host);
    try {
      await this.#limits.refresh(scope, all, readAt, this.#proofs);
      await scope.claims.take(ours.mine.map(({ reading }) => reading).filter(({ name }) => known.has(name)));
    } catch (error) {
      this.#leftAlone.rest(known);
      for (const { service } of hosts) scope.turns.rest(service.host);
      throw error;
    }
    for (const name of known) this.#ledger.hints(name).pass = 'open';
    this.#options.keepHints();
    for (const { name, host } of joining) await this.#join(scope, name, host);
    for (const { service } of hosts) scope.queue.join(service.host);
    for (const host of hosts) this.#run(scope, host);
    return lookAt;
  }

  /** Lets one host's evacuation run. Its failure, of whatever kind, is an outcome, and ends no other's. */
  #run(scope: PassScope, { names, twins, ...found }: Candidate): void {
    const { host } = found.service;
    const [name] = names;
    const hosts = [host, ...twins.map((twin) => twin.host)];
    for (const each of hosts) this.#names.set(each, names);
    this.#leftAlone.leave(names);
    const running = this.#evacuate(scope, name, names, found, twins).catch((error: unknown) => {
      const why = mishap(error, this.#options.log);
      this.#leftAlone.rest(names);
      this.#ledger.note(
        name,
        'troubled',
        `evacuation of ${host} is held up: ${why}; its mark is kept and it is tried again.`,
      );
    });
    this.#running.add(host, running, () => {
      for (const each of hosts) this.#names.delete(each);
    });
  }

  async #evacuate(
    scope: PassScope,
    name: MarkName,
    names: readonly MarkName[],
    found: Found,
    twins: readonly ComputeService[],
  ): Promise<void> {
    const hints = this.#ledger.hints(name);
    const { host } = found.service;
    const lost = scope.claims.lost(name);
    if (lost !== null) {
      hints.pass = 'closed';
      scope.queue.leave(host);
      scope.turns.leaveToAnother(host);
      this.#ledger.note(name, 'lost', `evacuation of ${host} stopped: ${lost}.`);
      await this.#settleWord(scope, names);
      // Whose the host is, is decided by the first of its names.
      for (const other of names.slice(1)) {
        this.#ledger.hints(other).pass = 'closed';
        await this.#giveUp(scope, other);
      }
      this.#mayTakeAgain(scope, name);
      return;
    }
    const incident = scope.claims.incident(name);
    const { firstSeen } = hints;
    const { clockOffsetMs } = scope.nova;
    const now = this.#options.clock.now();
    const failure = incident ?? found.failure;
    const { service } = found;
    const fencedAt = incidentTime({ incident: failure, service, firstSeen, now, clockOffsetMs });
    const novaAt = fencedAt + clockOffsetMs;
    // From now on it counts alike for whoever works on it. Another machine's clock may be any distance from ours.
    if (incident?.novaAt === null) await this.#options.marks.noteNovaTime({ name, incident }, novaAt, false);
    hints.incident = { host, fencedAt };
    const timed = (one: Incident | null) =>
      one === null ? null : { ...one, novaAt, estimated: one.estimated || one.novaAt === null };
    const one = { ...found, incident: timed(incident), failure: timed(failure) };
    await this.#evacuateInTurn(scope, name, names, one, twins);
  }

  /** Hosts that may be one machine: one incident, which ends with the last of them that has instances. */
  async #evacuateInTurn(
    scope: PassScope,
    name: MarkName,
    names: readonly MarkName[],
    found: Found,
    twins: readonly ComputeService[],
  ): Promise<void> {
    const all = [found.service, ...twins];
    const inTurn = await inTurnOf(scope.nova, all, scope.callOptions);
    const empty = all.filter((one) => !inTurn.some((other) => isSameHost(one.host, other.host)));
    for (const { host } of empty) scope.queue.leave(host);
    let inDoubt = false;
    let { incident } = found;
    for (const [index, service] of inTurn.entries()) {
      const isLast = index === inTurn.length - 1;
      const hints = this.#hintsOf(name, found, service);
      const beside = { empty: namesBeside(service, empty), isLast };
      scope.queue.join(service.host);
      const evacuation = new HostEvacuation(scope, {
        ...{ ...found, incident },
        ...{ name, hints, service, twins: beside },
      });
      const outcome = await evacuation.run();
      inDoubt ||= evacuation.inDoubt;
      incident = evacuation.incident;
      if (!isLast && outcome.kind === 'completed') continue;
      this.#ledger.settle(outcome);
      await this.#handBack(scope, names, outcome, inDoubt);
      if (outcome.kind === 'troubled' || outcome.kind === 'completed') this.#leftAlone.rest(names);
      return;
    }
  }

  /** What was asked for of one host is not to be looked for on the other, and an earlier incident of it does not count. */
  #hintsOf(name: MarkName, found: Found, service: ComputeService): HostHints {
    if (service === found.service) return this.#ledger.hints(name);
    // The mark may bear the name of the twin.
    const key = markOfHost(isSameHost(service.host, name) ? found.service.host : service.host);
    this.#ledger.begin(key, found.incident);
    return this.#ledger.hints(key);
  }

  /** Another name of a host that is worked on. One that was finished this very moment is looked at anew. */
  async #join(scope: PassScope, name: MarkName, host: NovaHost): Promise<void> {
    const names = this.#names.get(host);
    if (names !== undefined) {
      names.push(name);
      this.#leftAlone.leave([name]);
      return;
    }
    this.#leftAlone.takeUp(name);
    this.#ledger.hints(name).pass = 'closed';
    await this.#giveUp(scope, name);
  }

  /** A host that was fenced again is ours all the same, and begins anew. */
  #mayTakeAgain({ claims }: PassScope, name: MarkName): void {
    if (claims.lost(name) !== fencedAgain) return;
    claims.forget(name);
    this.#leftAlone.takeUp(name);
  }

  /**
   * An operator's `no` that ended the work on a host is made to last at once, as attrd may forget it, and counts for its other
   * names that we work on. What cannot be written the next pass tries again, and says so.
   */
  async #settleWord({ claims }: PassScope, [name, ...others]: readonly MarkName[]): Promise<void> {
    const { marks, me } = this.#options;
    try {
      const reading = (await marks.readAll()).marks.find((one) => one.name === name);
      if (reading?.mark.kind !== 'no') return;
      await marks.repair(reading, me);
      for (const other of others) {
        const incident = claims.incident(other);
        if (!(await claims.stillHeld(other))) continue;
        await claims.drop(other);
        await marks.setNo({ name: other, incident }, 'word');
      }
    } catch (error) {
      rethrowUnless(error, AttrdError);
    }
  }

  /** Gives a claim back, if it is still ours. */
  async #giveUp({ claims }: PassScope, name: MarkName): Promise<void> {
    const held = await claims.stillHeld(name);
    await claims.drop(name);
    if (held) await this.#options.marks.release(name);
  }

  /** Gives claims back, except where a successor has to know that something of ours may still be under way. */
  async #handBack(
    scope: PassScope,
    names: readonly MarkName[],
    outcome: HostOutcome,
    inDoubt: boolean,
  ): Promise<void> {
    const { marks, hints } = this.#options;
    const { claims } = scope;
    if (outcome.kind === 'lost') await this.#settleWord(scope, names);
    for (const name of names) {
      this.#ledger.hints(name).pass = 'closed';
      if (outcome.kind === 'completed') {
        const incident = claims.incident(name);
        await claims.drop(name);
        if (name !== outcome.name) await marks.setNo({ name, incident }, 'owner');
        // A later incident of this host begins with a clean sheet; the name stays, for its progress is still shown.
        const told = hints.get(outcome.name)?.incident ?? null;
        hints.set(name, { ...newHostHints(0), incident: told });
      } else if (outcome.kind === 'lost' || inDoubt) {
        await claims.drop(name);
        this.#mayTakeAgain(scope, name);
      } else {
        await this.#giveUp(scope, name);
      }
    }
  }
}

/** Nova's names of the other ones. */
function namesBeside(service: ComputeService, all: readonly ComputeService[]): readonly NovaHost[] {
  const others = all.map(({ host }) => host).filter((host) => !isSameHost(host, service.host));
  return [...new Set(others)];
}
