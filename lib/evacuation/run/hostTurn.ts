import type { Server, ServerId } from '@openstack-ts/nova-client';
import type { EvacuationRequest } from '../act/requests.ts';
import { loadOf, nextDestination } from '../decide/destination.ts';
import { hostDemand } from '../decide/hostDemand.ts';
import { takesUpTurn } from '../decide/nextLook.ts';
import { diskOf, isDiskMissing } from '../judge/diskGuard.ts';
import type { Classes } from '../judge/judgeHost.ts';
import { recordsOf } from '../look/records.ts';
import { type HostWork, isBegun } from './hostWork.ts';

/**
 * Starts what is due, as far as there is room and it is this host's turn; returns how many. The requests go on while the loop
 * follows.
 */
export function takeTurn(work: HostWork, classes: Classes, isDeferred: boolean): number {
  const { scope, host, requests, view } = work;
  const { queue, turns, throttle, clock, lingerUntil } = scope;
  const underWay = [...classes.values()].filter((one) => one.kind === 'inFlight' && !one.overdue).length;
  const due = [...classes].flatMap(([id, one]) => (one.kind === 'due' ? [id] : []));
  const mayAsk = !isDeferred && clock.now() >= requests.notBefore;
  enqueue(work, classes, isDeferred, underWay, mayAsk ? due : []);
  if (!mayAsk || clock.now() >= lingerUntil) return 0;
  if (due.length > 0 && !isHeldDown(work)) {
    requests.stop(
      `evacuation of ${host} stopped: Nova no longer holds it down (somebody forced it up?); the next pass holds it down again.`,
    );
    return 0;
  }
  const granted = queue.grants(host);
  if (granted.length > 0 && !turns.take(host)) return 0;
  throttle.busy(queue.exhausted);
  for (const id of due) {
    const held = queue.held(id);
    if (held !== null) work.report.say(`group of ${id}`, 'info', `${view.title(id)} ${held}.`);
  }
  const started = ask(work, classes, granted);
  if (started > 0) {
    const left = due.filter((id) => !granted.includes(id));
    enqueue(work, classes, isDeferred, underWay + started, left);
  }
  return started;
}

/** Tells whoever waits for a turn where this host stands. */
export function tellTurns(work: HostWork, classes: Classes): void {
  const { scope, marked, host, requests } = work;
  const now = scope.clock.now();
  const isDue = [...classes].some(([id, one]) => one.kind === 'due' && scope.queue.held(id) === null);
  scope.turns.tell(host, {
    // The last request of a predecessor may be on its way.
    moving: requests.underWay > 0 || takesUpTurn(classes) || now < marked.hints.quietUntil,
    wants: isDue && now >= requests.notBefore,
    begun: isBegun(work),
  });
}

/** Asks for what was granted; returns for how many. */
function ask(
  { scope, view, requests, knowledge }: HostWork,
  classes: Classes,
  granted: readonly ServerId[],
): number {
  const load = loadOf(view.records);
  let started = 0;
  for (const id of granted) {
    const due = classes.get(id);
    const server = view.servers.get(id)?.server;
    if (server === undefined || server === null || due?.kind !== 'due') continue;
    started += 1;
    const { destination, disk } = goalOf(server);
    if (destination !== null) load.set(destination, (load.get(destination) ?? 0) + 1);
    requests.send({ server, due, destination, disk, group: knowledge.rankOf(id).group });
  }
  return started;

  /** The host to name for an attempt after a failure (null leaves the choice to Nova), and what may become of the disk there. */
  function goalOf(server: Server): Pick<EvacuationRequest, 'destination' | 'disk'> {
    const disk = diskOf(server, scope.settings.onSharedStorage);
    const records = recordsOf(view.records, server.id);
    if (records.length === 0) return { destination: null, disk };
    const able = knowledge.able(server);
    if (disk === 'either') return { destination: nextDestination(records, able, load), disk };
    const shared = able.filter((host) => knowledge.isSharedWith(host));
    const finder = nextDestination(records, shared, load);
    // Nothing is lost where the disk is found, so Nova may be told the host in the way that has its scheduler check it.
    if (finder !== null) return { destination: finder, disk: 'either' };
    // Left to itself Nova would choose the same host again. One that was named so is not checked by its scheduler.
    const others = isDiskMissing(server, records.at(-1))
      ? able.filter((host) => !knowledge.isLackedBy(host))
      : [];
    return { destination: nextDestination(records, others, load), disk };
  }
}

/** I1, as far as the services tell that were last read. */
function isHeldDown({ scope, host }: HostWork): boolean {
  const service = scope.cloud.service(host);
  return service !== undefined && (service.forcedDown || service.state === 'down');
}

function enqueue(
  { scope, host, view, knowledge }: HostWork,
  classes: Classes,
  isDeferred: boolean,
  inFlight: number,
  due: readonly ServerId[],
): void {
  const rankOf = (id: ServerId) => knowledge.rankOf(id);
  scope.queue.set(host, hostDemand(classes, inFlight, due, view.records, rankOf, isDeferred));
}
