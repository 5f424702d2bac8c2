import { type Server, waitFor } from './cloud.ts';
import type { Lab } from './scenario.ts';
import { COMPUTES, hostOf, nodeOf } from './settings.ts';

/** What a host that came back should look like. */
export interface Wished {
  /** The servers there were, in the state in which each was; one in error becomes active by its evacuation. */
  readonly servers: readonly Server[];
  /** Ids of those of them that should be on this host again, as nobody evacuated them; all others should not be. */
  readonly stayed?: readonly string[];
  /** Ids of those that are to have no running domain, whatever Nova calls them. */
  readonly off?: readonly string[];
  /** The reason for which an operator had disabled the service, which is then to stay disabled. */
  readonly disabledReason?: string;
}

/** Waits until a host is released: no mark, and Nova uses it (or would, had nobody disabled it). */
export async function waitReleased(lab: Lab, node: string, seconds: number): Promise<void> {
  let shown = '';
  await waitFor(`the release of ${node}`, seconds, async () => {
    const service = await lab.cloud.service(node).catch(() => undefined);
    const mark = await lab.cluster.mark(node).catch(() => undefined);
    if (service === undefined || mark === undefined) return undefined;
    const text = `${service.state}, ${service.status}${service.forcedDown ? ', forced down' : ''}`;
    if (text !== shown) lab.timeline.add('nova', `nova-compute of ${node}: ${text}`);
    shown = text;
    const unmarked = mark.permanent === undefined && mark.transient === undefined;
    return (
      (unmarked && lab.timeline.marked.has(node) && !service.forcedDown && service.state === 'up') ||
      undefined
    );
  });
  lab.say(`${node} is released`);
}

/** Judges a host that came back, and what is left of its failure anywhere: all of the cloud and of the cluster. */
export async function judgeReturned(lab: Lab, node: string, wished: Wished): Promise<void> {
  await judgeInstances(lab, node, wished);
  await judgeService(lab, node, wished.disabledReason);
  await judgeNothingLeft(lab, node);
  await judgeAllocations(lab);
}

async function judgeInstances(
  lab: Lab,
  node: string,
  { servers, stayed = [], off = [] }: Wished,
): Promise<void> {
  // A hard reboot in place, or the last of an evacuation, may take its second.
  await lab.cloud
    .waitServers('no instance in a task', 30, (all) => all.every((s) => s.taskState === null) || undefined)
    .catch(() => undefined);
  const now = new Map((await lab.cloud.servers()).map((s) => [s.id, s]));
  const wrong = servers.flatMap((server) => {
    const after = now.get(server.id);
    const status = server.status === 'ERROR' ? 'ACTIVE' : server.status;
    const host = nodeOf(after?.host ?? 'nowhere');
    const live = lab.domains.liveOn(server.id);
    const defined = lab.domains.definedOn(server.id);
    const place = stayed.includes(server.id) === (host === node);
    const state = after?.status === status && after.taskState === null;
    const runs = status === 'ACTIVE' && !off.includes(server.id);
    const domain = runs ? live.length === 1 && live[0] === host : live.length === 0;
    if (place && state && domain && defined.every((d) => d === host)) return [];
    return [
      `${server.name} was ${server.status}, is ${after?.status ?? 'gone'} on ${host}, live on ${live.join(' and ') || 'none'}, ` +
        `a domain on ${defined.join(' and ') || 'none'}`,
    ];
  });
  const where = stayed.length === 0 ? 'elsewhere' : `${stayed.length} on ${node}, the others elsewhere`;
  lab.check(
    wrong.length === 0,
    `each of ${servers.length} instances exactly once, on one host, in its wished state (${where})`,
    ...wrong,
  );
}

async function judgeService(lab: Lab, node: string, disabledReason: string | undefined): Promise<void> {
  const { state, status, forcedDown, disabledReason: reason } = await lab.cloud.service(node);
  const found = `${state}, ${status}${reason === null ? '' : ` (${reason})`}, forced down: ${forcedDown}`;
  if (disabledReason === undefined) {
    const used = state === 'up' && status === 'enabled' && !forcedDown;
    lab.check(used, `Nova uses ${node} again: up, enabled, not forced down`, found);
  } else {
    const kept = state === 'up' && status === 'disabled' && reason === disabledReason && !forcedDown;
    lab.check(kept, `${node} is up, and disabled for the operator's own reason`, found);
  }
}

async function judgeNothingLeft(lab: Lab, node: string): Promise<void> {
  const mark = await lab.cluster.mark(node);
  lab.check(
    mark.permanent === undefined && mark.transient === undefined,
    `no mark is left in either copy`,
    `permanent ${mark.permanent ?? 'none'}, transient ${mark.transient ?? 'none'}`,
  );
  // What only shows progress goes with the end of the pass, or of the monitor, that did the work.
  const left = async (): Promise<string[]> => [
    ...(await lab.cluster.status()).attributes.filter((a) => /^\S+ (?:evacuation-|nova-compute-)/.test(a)),
    ...(await lab.cluster.transient('nova-compute-returning')),
    ...(await lab.cluster.transient('nova-compute-release')),
  ];
  await waitFor('the attributes gone', 25, async () => (await left()).length === 0 || undefined).catch(
    () => undefined,
  );
  const attributes = await left();
  lab.check(attributes.length === 0, 'no attribute of the evacuation or the release is left', ...attributes);
  const owed = (await lab.cloud.evacuations(hostOf(node))).filter((m) =>
    ['accepted', 'pre-migrating', 'done'].includes(m.status),
  );
  lab.check(
    owed.length === 0,
    `no unsettled record of an evacuation from ${node}`,
    ...owed.map((m) => m.status),
  );
}

async function judgeAllocations(lab: Lab): Promise<void> {
  const servers = await lab.cloud.servers();
  const wrong: string[] = [];
  for (const node of COMPUTES) {
    const there = servers.filter((s) => s.host === hostOf(node)).map((s) => s.id);
    const held = await lab.cloud.allocations(node);
    const stale = held.filter((id) => !there.includes(id)).length;
    const missing = there.filter((id) => !held.includes(id)).length;
    if (stale + missing > 0) wrong.push(`${node}: ${stale} of others, ${missing} missing`);
  }
  lab.check(
    wrong.length === 0,
    'Placement has the allocations of each instance where it is, and no others',
    ...wrong,
  );
}
