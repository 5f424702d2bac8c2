import type { ServerId } from '@openstack-ts/nova-client';
import { hostDemand } from '../decide/hostDemand.ts';
import { takesUpTurn } from '../decide/nextLook.ts';
import type { Classes } from '../judge/judgeHost.ts';
import { Goals } from './goals.ts';
import { type HostWork, isBegun } from './hostWork.ts';

/**
 * Starts what is due, as far as there is room and it is this host's turn; returns how many. The requests go on while the loop
 * follows.
 */
export function takeTurn(work: HostWork, classes: Classes, isDeferred: boolean): number {
  const { scope, host, requests, view } = work;
  const { queue, turns, throttle, clock, lingerUntil, paces } = scope;
  const hanging = paces.hanging(host);
  const underWay = [...classes].filter(
    ([id, one]) => one.kind === 'inFlight' && !one.overdue && !hanging.has(id),
  ).length;
  const goals = new Goals(work);
  // What hangs there leaves the count, but more than Nova bears is not sent where nothing ends.
  const isFull = paces.hangingCount >= throttle.limit;
  const due = [...classes].flatMap(([id, one]) =>
    one.kind === 'due' && (!isFull || goals.avoid(id)) ? [id] : [],
  );
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
  const started = ask(work, classes, granted, goals);
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
  { view, requests, knowledge }: HostWork,
  classes: Classes,
  granted: readonly ServerId[],
  goals: Goals,
): number {
  let started = 0;
  for (const id of granted) {
    const due = classes.get(id);
    const server = view.servers.get(id)?.server;
    if (server === undefined || server === null || due?.kind !== 'due') continue;
    started += 1;
    const { destination, disk } = goals.of(server);
    if (destination !== null) goals.named(id, destination);
    requests.send({ server, due, destination, disk, group: knowledge.rankOf(id).group });
  }
  return started;
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
