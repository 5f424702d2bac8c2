import type { NovaHost, ServerId } from '@openstack-ts/nova-client';
import { Requests } from '../act/requests.ts';
import { moreRoom, roomWanted, waitForRoom } from '../decide/waitForRoom.ts';
import { incidentTime, recordsSince } from '../incident/incidentTime.ts';
import { pacing } from '../incident/pacing.ts';
import { type Classes, judgeHost } from '../judge/judgeHost.ts';
import { crossCheck } from '../look/crossCheck.ts';
import { HostView } from '../look/hostView.ts';
import { provesMove, recordsByServer, recordsOf } from '../look/records.ts';
import { isSilentFor, silenceAfter } from '../look/silence.ts';
import type { HostLook } from '../look/trust.ts';
import { HostReport } from '../tell/hostReport.ts';
import { HostKnowledge } from './hostKnowledge.ts';
import { HostMemory } from './hostMemory.ts';
import type { MarkedHost, PassScope } from './passScope.ts';

/** What the evacuation of one host works with. It serves this pass only; the next one looks again. */
export interface HostWork {
  readonly scope: PassScope;
  readonly marked: MarkedHost;
  readonly host: NovaHost;
  /** When this incident began, on our clock, as far as anybody noted it. */
  readonly fencedAt: number;
  /** From when on Nova's records belong to it, in ms on Nova's clock; see `recordsSince`. */
  readonly since: () => number;
  readonly view: HostView;
  readonly report: HostReport;
  readonly requests: Requests;
  readonly knowledge: HostKnowledge;
  readonly memory: HostMemory;
}

export function openHostWork(scope: PassScope, marked: MarkedHost): HostWork {
  const { nova, clock, callOptions, log, report: reporter, showProgress } = scope;
  const { name, hints, service, failure } = marked;
  const { host } = service;
  const { firstSeen } = hints;
  const { clockOffsetMs } = nova;
  const incidentAt = incidentTime({
    ...{ incident: failure, service, firstSeen, clockOffsetMs },
    now: clock.now(),
  });
  const view = new HostView(nova, host, incidentAt - pacing.historyMs, clock, callOptions);
  const report = new HostReport(host, incidentAt, hints, {
    log,
    report: reporter,
    clock,
    showProgress: (text) => showProgress(name, text),
  });
  const since = () => recordsSince(failure, incidentAt, nova.clockOffsetMs);
  const memory: HostMemory = new HostMemory(scope, marked, () => knowledge.ranksToKeep());
  memory.recall(incidentAt);
  const requests = new Requests(scope, marked, view, report, since, () => memory.begin());
  const incident = { fencedAt: incidentAt, since };
  const knowledge: HostKnowledge = new HostKnowledge(scope, marked, view, requests, incident);
  return { scope, marked, host, ...incident, view, report, requests, knowledge, memory };
}

/** What every instance that was seen on the host in this pass counts as now. */
export async function judgeAnew(work: HostWork): Promise<Classes> {
  const { scope, marked, host, report, knowledge, view } = work;
  const { room, cloud } = scope;
  const { hints } = marked;
  // Of all that is known by now, however it was read: one that a list has left out is looked at by itself later.
  await view.lookForUnrecorded();
  const facts = await knowledge.gather((subject, sentence) => report.say(subject, 'warn', sentence));
  const classes = judgeHost(facts);
  // What is tried again may be given a destination, which has to suit.
  if ([...classes].some(([id, one]) => one.kind === 'due' && recordsOf(view.records, id).length > 0)) {
    await cloud.aggregates();
  }
  const wanted = roomWanted(classes, facts, (id) => knowledge.rankOf(id).priority);
  const unfit = await room.plan(host, wanted, cloud.targets());
  if (cloud.capacityTrouble !== null) {
    const sentence = `Placement does not tell what hosts have room for, so instances of ${host} are asked for whether there is room or not: ${cloud.capacityTrouble}.`;
    report.say('placement', 'warn', sentence, 'placement');
  }
  const waiting = waitForRoom(classes, unfit, hints.unfit, facts.now, (id) => triedAt(work, id));
  for (const id of waiting.fitNow) hints.roomAt[id] = facts.now;
  hints.unfit = waiting.unfit;
  const failed = wanted.filter(({ id }) => classes.get(id)?.kind === 'failed' && !unfit.has(id));
  const hosts = new Map(failed.map((one) => [one.id, room.hostsFor(one, cloud.targets())]));
  const { roomOn, news } = moreRoom(hints.roomOn, hosts);
  for (const id of news) hints.roomAt[id] = facts.now;
  hints.roomOn = roomOn;
  return waiting.classes;
}

/** As they were judged, those that could not be judged looked at once more. */
export async function lookedAgain(work: HostWork, classes: Classes): Promise<Classes> {
  const unclear = [...classes].flatMap(([id, one]) => (one.kind === 'look' ? [id] : []));
  if (unclear.length === 0) return classes;
  await work.view.lookAgain(unclear);
  return judgeAnew(work);
}

/** When an instance was last asked for in this incident, on our clock; else when that began. */
function triedAt({ scope, requests, fencedAt, view }: HostWork, id: ServerId): number {
  const settledAt = recordsOf(view.records, id).at(-1)?.updatedAt ?? 0;
  const askedAt = requests.asked.get(id)?.at ?? 0;
  return Math.max(fencedAt, settledAt - scope.nova.clockOffsetMs, requests.refusal(id)?.at ?? 0, askedAt);
}

/** Whether anything was asked of Nova in this incident, by whomever. */
export function isBegun({ marked, requests, since, view, memory }: HostWork): boolean {
  const { hints } = marked;
  if (requests.asked.size > 0 || requests.underWay > 0) return true;
  if (memory.incident?.known.begun === true) return true;
  if (Object.keys(hints.refusals).length > 0 || Object.keys(hints.doubts).length > 0) return true;
  return view.records.some((record) => record.createdAt >= since());
}

/**
 * Whether the host, or a twin of it, has no instances but those that this pass has seen, or knows to be elsewhere. Placement that
 * does not answer holds it up for minutes, not for ever: every look of those minutes has shown that nothing is left.
 */
export function hasNoOther(
  { scope, marked, host: own, since, view, report }: HostWork,
  host: NovaHost = own,
): Promise<HostLook> {
  const { hints } = marked;
  const { nova, cloud, clock, callOptions } = scope;
  const records = recordsByServer(view.records);
  const isKnown = (id: ServerId) => {
    if (view.servers.has(id)) return true;
    // One of an earlier incident may have come back since.
    const latest = records.get(id)?.at(-1);
    return latest !== undefined && provesMove(latest) && latest.createdAt >= since();
  };
  const rests = isSilentFor(hints.placementSilence, pacing.placementSilentMs);
  return crossCheck({
    nova,
    host,
    isKnown,
    services: () => cloud.services(0),
    clock,
    options: callOptions,
    placement: rests ? 'helps' : 'needed',
    heard: (answered) => {
      hints.placementSilence = silenceAfter(hints.placementSilence, answered, clock.now());
      if (!rests || answered) return;
      const minutes = pacing.placementSilentMs / 60_000;
      const sentence = `Placement has not told for ${minutes} minutes whether Nova's list leaves out instances of ${host}: that it has no more rests on a second list of Nova's, while every cell answers; see to Placement`;
      report.say('silent', 'warn', `${sentence}.`);
    },
  });
}
