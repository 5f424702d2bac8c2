import type { HostCapacity, NovaHost, Server, ServerId } from '@openstack-ts/nova-client';

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

/** What an instance asks of the host itself, by the names of Placement's traits. */
export interface Traits {
  readonly required: readonly string[];
  readonly forbidden: readonly string[];
}

/** By its flavour (`trait:NAME=required|forbidden`, of numbered groups as well); what its image asks for is not known here. */
export function traitsOf({ flavor }: Pick<Server, 'flavor'>): Traits {
  const asked = Object.entries(flavor.extraSpecs ?? {}).flatMap(([key, word]) => {
    const name = /^trait[A-Za-z0-9_-]*:([A-Z0-9_]+)$/.exec(key)?.[1];
    return name === undefined ? [] : [{ name, word: word.trim() }];
  });
  const named = (wanted: string) => asked.filter(({ word }) => word === wanted).map(({ name }) => name);
  return { required: named('required'), forbidden: named('forbidden') };
}

function sharesProcessors(specs: Readonly<Record<string, string>>): boolean {
  const policy = specs['hw:cpu_policy'];
  return policy === undefined || policy === 'shared';
}

export interface RoomRequest {
  readonly id: ServerId;
  /** Null: nobody knows; it counts as one that fits and takes nothing. */
  readonly demand: Demand | null;
  readonly traits: Traits;
  /** The availability zone that it does not leave; null: it may go to any. */
  readonly zone: string | null;
}

/** `elsewhere`: hosts of other zones would have room. */
export type Room =
  | { readonly fits: true }
  | { readonly fits: false; readonly elsewhere: boolean; readonly sentence: string };

/** A host that is up and enabled. */
export interface Target {
  readonly host: NovaHost;
  /** Its availability zone; null where Nova does not tell. */
  readonly zone: string | null;
}

/** What a host has left, by class; a class that is missing is not limited there. */
interface Space extends Target {
  readonly left: Map<string, number>;
  readonly traits: ReadonlySet<string>;
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
 * @param askedSince what Nova accepted after the counts were read: it is not in them yet, and taken as placed by this plan
 */
export function planRoom(
  requests: readonly RoomRequest[],
  capacity: readonly HostCapacity[],
  targets: readonly Target[],
  askedSince: readonly Demand[],
): ReadonlyMap<ServerId, Room> {
  const spaces = spacesOf(capacity, targets);
  for (const demand of askedSince) place(spaces, demand);
  const plan = new Map<ServerId, Room>();
  for (const request of requests) {
    const { id, demand, zone } = request;
    const own = spaces.filter((space) => isIn(space, zone) && bears(space, request.traits));
    if (demand === null || !takesMemory(demand) || place(own, demand)) {
      plan.set(id, { fits: true });
      continue;
    }
    const elsewhere =
      zone !== null && spaces.some((space) => bears(space, request.traits) && has(space, demand));
    plan.set(id, { fits: false, elsewhere, sentence: shortage(own, demand, request) });
  }
  return plan;
}

/** Of the targets, those that by Placement's counts have what one instance asks for and room for it. */
export function hostsWithRoom(
  { demand, traits, zone }: Omit<RoomRequest, 'id'>,
  capacity: readonly HostCapacity[],
  targets: readonly Target[],
): NovaHost[] {
  return spacesOf(capacity, targets)
    .filter((space) => isIn(space, zone) && bears(space, traits) && has(space, demand ?? {}))
    .map(({ host }) => host);
}

function spacesOf(capacity: readonly HostCapacity[], targets: readonly Target[]): Space[] {
  const zones = new Map(targets.map(({ host, zone }) => [host, zone]));
  return capacity
    .filter(({ host }) => zones.has(host))
    .map((one) => spaceOf(one, zones.get(one.host) ?? null));
}

/** A host of which nobody knows the zone may be in any. */
function isIn(space: Space, zone: string | null): boolean {
  return zone === null || space.zone === null || space.zone === zone;
}

function bears({ traits }: Space, { required, forbidden }: Traits): boolean {
  return required.every((trait) => traits.has(trait)) && !forbidden.some((trait) => traits.has(trait));
}

function has({ left }: Space, demand: Demand): boolean {
  return Object.entries(demand).every(
    ([name, amount]) => amount <= (left.get(name) ?? Number.POSITIVE_INFINITY),
  );
}

/** Of one that takes none nothing can be said: hosts without memory left, which may have room for it, are not counted. */
function takesMemory(demand: Demand): boolean {
  return (demand['MEMORY_MB'] ?? 0) > 0;
}

function spaceOf({ host, resources, traits }: HostCapacity, zone: string | null): Space {
  const left = Object.entries(resources).map(([name, { capacity, used }]): [string, number] => [
    name,
    Math.max(0, capacity - used),
  ]);
  return { host, zone, left: new Map(left), traits };
}

/** Takes the room on the roomiest host that has it; false: none has. */
function place(spaces: readonly Space[], demand: Demand): boolean {
  const space = roomiest(spaces, (one) => has(one, demand));
  if (space === null) return false;
  for (const [name, amount] of Object.entries(demand)) {
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

/** Why nothing takes it: what it needs, and what the roomiest of the hosts that suit has of that. */
function shortage(spaces: readonly Space[], demand: Demand, { traits, zone }: RoomRequest): string {
  const best = roomiest(spaces, () => true);
  const asked = [...traits.required, ...traits.forbidden.map((trait) => `no ${trait}`)];
  const such = `${zone === null ? '' : ` of zone ${zone}`}${asked.length === 0 ? '' : ` with ${asked.join(', ')}`}`;
  const none = `no host${such} has room for it now: it needs`;
  if (best === null)
    return `${none} ${amounts(demand, Object.keys(demand))}, and no ${such === '' ? '' : 'such '}host has any memory left`;
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
