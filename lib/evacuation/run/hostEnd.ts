import type { NovaHost } from '@openstack-ts/nova-client';
import { AttrdError, type Incident } from '../../attrd/index.ts';
import { rethrowUnless } from '../../rethrow.ts';
import { hasOnlyFailed, keepHome } from '../decide/keepHome.ts';
import { pacing } from '../incident/pacing.ts';
import { type Classes, isOpenHost } from '../judge/judgeHost.ts';
import { watchedAnew } from '../look/returnSigns.ts';
import type { Presence } from '../look/returnWatch.ts';
import { shortList } from '../look/titles.ts';
import type { HostOutcome } from '../tell/outcome.ts';
import type { Progress } from '../tell/progress.ts';
import { HostArrivals } from './hostArrivals.ts';
import type { HostStand } from './hostStand.ts';
import { type HostWork, hasNoOther, isBegun, judgeAnew, lookedAgain } from './hostWork.ts';

/** The ends of a host's evacuation: nothing is left to do, or the machine is back and what is left stays. */
export class HostEnd {
  readonly #work: HostWork;
  readonly #stand: HostStand;
  readonly #arrivals: HostArrivals;
  /** When it was last asked whether the machine is back. */
  #presenceAt = 0;

  constructor(work: HostWork, stand: HostStand) {
    this.#work = work;
    this.#stand = stand;
    this.#arrivals = new HostArrivals(work);
  }

  /** Switches off again what was off before, as it arrives. */
  restoreArrived(): Promise<void> {
    return this.#arrivals.restoreSome();
  }

  /** Whether this is the end: nothing is left to do, or what is left stays. Null: the evacuation goes on. */
  async reached(classes: Classes): Promise<HostOutcome | 'look again' | null> {
    const { requests, scope } = this.#work;
    if (requests.underWay > 0 || isOpenHost(classes)) return this.#heedReturn(classes);
    const outcome = await this.#conclude();
    if (outcome !== null) return outcome;
    await scope.clock.sleep(pacing.pollMinMs);
    return 'look again';
  }

  /** Whether the machine is back. Only a service that is held down as we left it can tell. */
  async presence(): Promise<Presence> {
    const { scope, marked, host } = this.#work;
    const { cloud, clock, nova, returns } = scope;
    if (clock.now() - this.#presenceAt < pacing.returnLookMs) return { kind: 'gone' };
    this.#presenceAt = clock.now();
    await cloud.services();
    const service = cloud.service(host);
    if (service === undefined || !service.forcedDown) return { kind: 'gone' };
    return returns.look(marked, service, nova.clockOffsetMs, isBegun(this.#work));
  }

  /** A machine that is back, or may be. Null: the evacuation goes on. */
  async #heedReturn(classes: Classes): Promise<HostOutcome | 'look again' | null> {
    const { scope, view, host } = this.#work;
    const presence = await this.presence();
    if (presence.kind === 'back') return this.#stayHome(classes, () => this.#hasFreshSign());
    if (hasOnlyFailed(classes.values()) && (await this.#hasJoinedAgain())) {
      return this.#stayHome(classes, async () => {
        await scope.clock.sleep(pacing.returnLookMs);
        return this.#hasJoinedAgain();
      });
    }
    const { settings, clock, reportBy } = scope;
    if (presence.kind === 'gone' || isBegun(this.#work) || settings.earlyReturn === 'evacuate') return null;
    if (clock.now() + pacing.returnLookMs >= reportBy) {
      if (presence.kind !== 'untold') return this.#stand.unfinished(classes);
      return this.#stand.troubled(
        `evacuation of ${host} has not begun, as the cluster does not tell whether it is back: ${presence.sentence}; the next pass asks again (${presence.remedy}).`,
      );
    }
    await clock.sleep(pacing.returnLookMs);
    await view.list();
    return 'look again';
  }

  /** The machine is back: ends the evacuation if what is left can stay. */
  async #stayHome(classes: Classes, isStill: () => Promise<boolean>): Promise<HostOutcome | null> {
    const { scope, marked, host, view } = this.#work;
    if (this.#mayKeep(classes) === null) return null;
    await view.list();
    const fresh = await judgeAnew(this.#work);
    const decision = this.#mayKeep(fresh);
    if (decision === null) return null;
    const doubt = await this.#crossCheck();
    if (doubt !== 'told') return doubt;
    if (!(await isStill())) {
      const { signs } = marked.hints;
      marked.hints.signs = signs === null ? null : watchedAnew(signs);
      return null;
    }
    const unrestored = await this.#restore();
    if (unrestored !== null) return unrestored;
    if (!(await scope.claims.stillHeld(marked.name))) return this.#stand.lost();
    const progress = this.#stand.progress(fresh);
    const staying = [...fresh].filter(([, one]) => one.kind !== 'finished').map(([id]) => view.title(id));
    const which = staying.length === 0 ? 'none' : `${staying.length} stay there: ${shortList(staying)}`;
    const sentence =
      decision === 'early'
        ? `${host} is back before anything was evacuated, so it is released instead; of its instances ${which}.`
        : `Completed evacuation of ${host}, which is back: ${progress.done} of ${progress.total} instances evacuated, ${which}.`;
    return this.#complete(sentence, progress);
  }

  #mayKeep(classes: Classes): ReturnType<typeof keepHome> {
    const { scope, marked, requests } = this.#work;
    if (requests.underWay > 0 || scope.clock.now() < marked.hints.quietUntil) return null;
    return keepHome(classes.values(), isBegun(this.#work), scope.settings.earlyReturn);
  }

  /**
   * A host whose nova-compute waits for its unfencing shows no sign of life, and its unfencing waits for the end of its evacuation. So
   * where all that is left failed, it is the cluster's word that its node has joined again, long after this very fencing. Of a mark
   * that somebody else has set the node may have been there all the time.
   */
  async #hasJoinedAgain(): Promise<boolean> {
    const { scope, marked } = this.#work;
    const { incident } = marked;
    if (incident === null || incident.adopted || incident.novaAt === null) return false;
    const fenced = incident.novaAt - scope.nova.clockOffsetMs;
    // Where nobody has measured that, the later of what is known counts, for every controller alike.
    const since = incident.estimated ? Math.max(fenced, incident.at) : fenced;
    const age = scope.clock.now() - since;
    return age >= pacing.joinedAgainMs && (await scope.returns.hasJoined(marked.name));
  }

  /** The machine may have died, and been fenced, again since the last sign of life. */
  async #hasFreshSign(): Promise<boolean> {
    const { scope, host } = this.#work;
    const { cloud, returns, callOptions } = scope;
    const latest = (callOptions.deadline ?? Number.POSITIVE_INFINITY) - pacing.signReserveMs;
    const readService = async () => {
      await cloud.services(0);
      return cloud.service(host);
    };
    return returns.awaitSign(host, readService, latest);
  }

  /** Everything seems done: a fresh list decides, and the mark goes to `no` only while it is still ours. */
  async #conclude(): Promise<HostOutcome | null> {
    const { scope, marked, view } = this.#work;
    if (scope.clock.now() !== view.listedAt) {
      await view.list();
      if (isOpenHost(await judgeAnew(this.#work))) return null;
    }
    const doubt = await this.#crossCheck();
    if (doubt !== 'told') return doubt;
    const unrestored = await this.#restore();
    if (unrestored !== null) return unrestored;
    // What was read meanwhile may tell more of those that were to be left: another host that can take them, say. And what had been
    // given to a destination that died counts as it is seen after that was read.
    const last = await lookedAgain(this.#work, await judgeAnew(this.#work));
    if (isOpenHost(last)) return null;
    if (!(await scope.claims.stillHeld(marked.name))) return this.#stand.lost();
    const progress = this.#stand.progress(last);
    return this.#complete(this.#completed(last, progress), progress);
  }

  /** Switches off again what was off before. Null: nothing is left to find out. */
  async #restore(): Promise<HostOutcome | null> {
    const unclear = await this.#arrivals.restoreAll();
    if (unclear.length === 0) return null;
    const { view, host } = this.#work;
    const names = shortList(unclear.map((id) => view.title(id)));
    return this.#stand.outcome(
      'working',
      `evacuation of ${host}: all are elsewhere, and it is still to be found out which of them were off before: ${names}.`,
    );
  }

  /** Whether nothing is left that no list has shown; null: something was, and is to be judged with the rest. */
  async #crossCheck(): Promise<HostOutcome | 'told' | null> {
    const { view, report, host, marked } = this.#work;
    for (const twin of marked.twins.empty) {
      const ofTwin = await hasNoOther(this.#work, twin);
      if (ofTwin.kind === 'untold') return this.#stand.untold(ofTwin);
      if (ofTwin.kind === 'contradicted') {
        return this.#stand.troubled(
          `${ofTwin.sentence}; ${twin} may be the same machine as ${host}, and the next pass looks at it again.`,
        );
      }
    }
    const look = await hasNoOther(this.#work);
    if (look.kind === 'untold') return this.#stand.untold(look);
    if (look.kind === 'contradicted') {
      report.say('list', 'warn', `${look.sentence}; each of them is asked for by itself.`, 'left out');
      view.add(look.servers);
      return null;
    }
    if (look.leaked.length > 0) {
      const ids = shortList(look.leaked);
      const sentence = `Placement counts ${look.leaked.length} on ${host} that Nova does not know as instances (${ids}): allocations that leaked, or that migrations hold, which keep nothing here; look at each with: openstack resource provider allocation show ID`;
      report.say('leaked', 'warn', `${sentence}.`);
    }
    return 'told';
  }

  #completed(classes: Classes, { done, total }: Progress): string {
    const { host, view } = this.#work;
    const left = [...classes].flatMap(([id, one]) =>
      one.kind === 'cannot' || one.kind === 'excluded' ? [`${view.title(id)} (${one.sentence})`] : [],
    );
    const summary = `Completed evacuation of ${host}: ${done} of ${total} instances evacuated`;
    return left.length === 0 ? `${summary}.` : `${summary}, ${left.length} left there: ${shortList(left)}.`;
  }

  /**
   * The end: the mark reads `no`, and what is owed from now on is the host's release. Where the cluster refuses that (the CIB
   * takes no change without quorum), what was reached is told all the same, once.
   */
  async #complete(sentence: string, progress: Progress): Promise<HostOutcome> {
    const { scope, marked, host, report } = this.#work;
    const { empty, isLast } = marked.twins;
    const incident = scope.claims.incident(marked.name);
    // Hosts that may be one machine are one incident, and the last of them ends it.
    if (isLast) await scope.claims.drop(marked.name);
    const refusal = isLast ? await this.#markNo(incident) : null;
    if (refusal === 'not ours') return this.#stand.lost();
    // Nothing found on the one may mean that it is the other that was meant.
    const isDoubtful = progress.total === 0 && empty.length > 0;
    const said = isDoubtful ? `${sentence} ${besideTwins(host, empty)}` : sentence;
    if (report.say('completed', isDoubtful ? 'warn' : 'notice', said)) {
      const { total, done, failed, left } = progress;
      report.hostEvent('evacuated', sentence, { total, done, failed, left });
    }
    await report.show(progress, null, '', true);
    if (refusal === null) return this.#stand.outcome('completed', sentence);
    return this.#stand.troubled(`${sentence} ${refusal}`);
  }

  /** Null: it is written. Else what stands against it; `not ours`: another incident has begun, or it changed hands. */
  async #markNo(incident: Incident | null): Promise<string | null> {
    const { scope, marked } = this.#work;
    try {
      return (await scope.marks.setNo({ name: marked.name, incident }, 'owner')) ? null : 'not ours';
    } catch (error) {
      rethrowUnless(error, AttrdError);
      return `Its mark is not "no" for good yet: ${error.message}; the next pass tries again.`;
    }
  }
}

function besideTwins(host: NovaHost, twins: readonly string[]): string {
  const others = twins.join(' and ');
  return `${others} may be the same machine as ${host} under another name, and has no instances either: if a service is left over, delete it (openstack compute service delete ID), and if they are two machines, name their nodes in pcmk_host_map.`;
}
