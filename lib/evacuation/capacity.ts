import type { HostCapacity, Server } from '@openstack-ts/nova-client';

/**
 * What an instance takes of a host, by resource class, in Placement's units: `VCPU` and `PCPU` processors, `MEMORY_MB`
 * MiB, `DISK_GB` GiB, all others (`VGPU`, `CUSTOM_…`) pieces.
 */
export type Demand = Readonly<Record<string, number>>;

/**
 * What an instance asks of Placement, as Nova's scheduler works it out (nova/scheduler/utils.py, `ResourceRequest`): the
 * flavour's size, without the root disk where it boots from a volume; extra specs `resources:CLASS=N` stand instead of it
 * or beside it, and those of numbered groups (`resources1:CLASS=N`) come on top. Null where Nova does not tell the size
 * (below 2.47).
 *
 * Less than the truth in these cases: processors count not at all where they are dedicated by the flavour, since they are
 * `PCPU` on some hosts and `VCPU` on others; what ports and Cyborg's device profiles ask for is not known here. More than
 * the truth where dedicated processors are asked for by a property of the image alone.
 */
export function demandOf(server: Pick<Server, 'flavor' | 'imageId'>): Demand | null {
  const { size, extraSpecs } = server.flavor;
  if (size === null) return null;
  const specs = extraSpecs ?? {};
  const demand: Record<string, number> = {
    VCPU: sharesProcessors(specs) ? size.vcpus : 0,
    MEMORY_MB: size.memoryMb,
    DISK_GB: (server.imageId === null ? 0 : size.rootGb) + size.ephemeralGb + Math.ceil(size.swapMb / 1024),
  };
  const asked = Object.entries(specs).flatMap(([key, text]) => {
    const [, group = '', name = ''] = /^resources([A-Za-z0-9_-]*):([A-Z0-9_]+)$/.exec(key) ?? [];
    return name !== '' && /^\d+$/.test(text.trim()) ? [{ group, name, amount: Number(text) }] : [];
  });
  for (const { group, name, amount } of asked) if (group === '') demand[name] = amount;
  for (const { group, name, amount } of asked) if (group !== '') demand[name] = (demand[name] ?? 0) + amount;
  return Object.fromEntries(Object.entries(demand).filter(([, amount]) => amount > 0));
}

function sharesProcessors(specs: Readonly<Record<string, string>>): boolean {
  const policy = specs['hw:cpu_policy'];
  return policy === undefined || policy === 'shared';
}

export interface RoomRequest {
  readonly id: string;
  /** Null: nobody knows; it counts as one that fits and takes nothing. */
  readonly demand: Demand | null;
}

export type Room = { readonly fits: true } | { readonly fits: false; readonly sentence: string };

/** What a host has left, by class; a class that is missing is not limited there. */
interface Space {
  readonly host: string;
  readonly left: Map<string, number>;
}

/**
 * Which of the instances find room, if they are asked for in this order. Each goes to the host with the most memory left
 * among those that have room for it, as Nova's weighers have it by default (nova/scheduler/weights/ram.py: it spreads).
 * What does not fit takes nothing, so that what comes later may still fit.
 *
 * This is an estimate, meant to hold back only what fits nowhere, and it can be wrong in both directions. Nova may choose
 * another host than this plan (other weighers, filters, aggregates, traits, server groups), so that room is left, or
 * missing, where the plan has it otherwise; others build and delete meanwhile; what a host offers in parts (NUMA nodes,
 * devices) counts as one here. Held back for nothing, an instance is asked for once the counts have been read anew, or
 * once in a long while at the latest; asked for in vain, it ends in "No valid host" and is tried again when there is room.
 * Neither does any harm, so nothing else may ever rest on this.
 *
 * @param requests in the order of the queue
 * @param capacity Placement's counts. A target that is missing has not a megabyte of memory left (`listCapacity`)
 * @param targets hosts that are up and enabled
 * @param askedSince what Nova accepted after the counts were read: it is not in them yet, and taken as placed by this plan
 */
export function planRoom(
  requests: readonly RoomRequest[],
  capacity: readonly HostCapacity[],
  targets: readonly string[],
  askedSince: readonly Demand[],
): ReadonlyMap<string, Room> {
  const able = new Set(targets);
  const spaces = capacity.filter(({ host }) => able.has(host)).map(spaceOf);
  for (const demand of askedSince) place(spaces, demand);
  const plan = new Map<string, Room>();
  for (const { id, demand } of requests) {
    const fits = demand === null || !takesMemory(demand) || place(spaces, demand);
    plan.set(id, fits ? { fits } : { fits, sentence: shortage(spaces, demand) });
  }
  return plan;
}

/** Of one that takes none nothing can be said: hosts without memory left, which may have room for it, are not counted. */
function takesMemory(demand: Demand): boolean {
  return (demand['MEMORY_MB'] ?? 0) > 0;
}

function spaceOf({ host, resources }: HostCapacity): Space {
  const left = Object.entries(resources).map(([name, { capacity, used }]): [string, number] => [
    name,
    Math.max(0, capacity - used),
  ]);
  return { host, left: new Map(left) };
}

/** Takes the room on the roomiest host that has it; false: none has. */
function place(spaces: readonly Space[], demand: Demand): boolean {
  const amounts = Object.entries(demand);
  const space = roomiest(spaces, ({ left }) =>
    amounts.every(([name, amount]) => amount <= (left.get(name) ?? Number.POSITIVE_INFINITY)),
  );
  if (space === null) return false;
  for (const [name, amount] of amounts) {
    const left = space.left.get(name);
    if (left !== undefined) space.left.set(name, left - amount);
  }
  return true;
}

/** Of those that suit, the one with the most memory left; of several, the first. */
function roomiest(spaces: readonly Space[], suits: (space: Space) => boolean): Space | null {
  let best: Space | null = null;
  let most = -1;
  for (const space of spaces) {
    const memory = space.left.get('MEMORY_MB') ?? Number.POSITIVE_INFINITY;
    if (memory <= most || !suits(space)) continue;
    best = space;
    most = memory;
  }
  return best;
}

/** Why nothing takes it: what it needs, and what the roomiest host has of that. */
function shortage(spaces: readonly Space[], demand: Demand): string {
  const best = roomiest(spaces, () => true);
  const none = 'no host has room for it now: it needs';
  if (best === null)
    return `${none} ${amounts(demand, Object.keys(demand))}, and no host has any memory left`;
  const leftOf = (name: string) => best.left.get(name) ?? 0;
  // What is short, and what everybody wants to know; a class that the host does not report is not short.
  const named = Object.keys(demand).filter(
    (name) =>
      best.left.has(name) && (name === 'VCPU' || name === 'MEMORY_MB' || leftOf(name) < (demand[name] ?? 0)),
  );
  const left = Object.fromEntries(named.map((name) => [name, leftOf(name)]));
  const has = amounts(left, named).replace(' MB of memory', ' MB');
  return `${none} ${amounts(demand, named)}, the roomiest (${best.host}) has ${has} left`;
}

/** `4 VCPU, 8192 MB of memory and 40 GB of disk`. */
function amounts(demand: Demand, names: readonly string[]): string {
  const units: Readonly<Record<string, string>> = { MEMORY_MB: 'MB of memory', DISK_GB: 'GB of disk' };
  const parts = names.map((name) => `${demand[name] ?? 0} ${units[name] ?? name}`);
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}
