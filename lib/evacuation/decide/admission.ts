import type { Aggregate, ComputeService, NovaHost } from '@openstack-ts/nova-client';
import {
  type EvacuationModes,
  goCommand,
  type MarkName,
  type Mode,
  markOfNode,
  type NodeName,
  unsayCommand,
} from '../../attrd/index.ts';
import { isSameHost } from '../incident/names.ts';

/** A host whose mark is pending. */
export interface PendingHost {
  /** The mark's name. A host that bears two marks comes twice, with the same `host`. */
  readonly name: MarkName;
  /** Nova's name of it. */
  readonly host: NovaHost;
  /** When its incident began, in ms since the epoch: the same on every controller, whatever its clock. */
  readonly fencedAt: number;
  /** Whether anything was asked of Nova for it in this incident, by whomever. */
  readonly begun: boolean;
}

/** The parameters of the same names; 100 and 0 are no limits. */
export interface AdmissionLimits {
  readonly maxFailedPercent: number;
  readonly maxFailedPerAggregate: number;
}

export interface AdmissionFacts {
  readonly pending: readonly PendingHost[];
  /** Nova's names of the hosts whose mark is `no`: evacuated, not released. */
  readonly evacuated: ReadonlySet<NovaHost>;
  readonly services: readonly ComputeService[];
  /** Null: they could not be read. */
  readonly aggregates: readonly Aggregate[] | null;
  readonly modes: EvacuationModes;
  /** Nova's name of the host that a node's name means; null: none. */
  readonly hostOf: (name: MarkName) => NovaHost | null;
  readonly limits: AdmissionLimits;
}

export type Admission =
  /** `byWord`: an operator says so, and no limit counts. */
  | { readonly kind: 'go'; readonly byWord: boolean }
  /** Nothing new is asked of Nova for it. What Nova has accepted is followed to its end all the same. */
  | {
      readonly kind: 'defer';
      readonly why: 'paused' | 'share' | 'aggregate';
      /** Without a full stop. */
      readonly sentence: string;
    };

export interface Admissions {
  /** By the mark's name. */
  readonly hosts: ReadonlyMap<MarkName, Admission>;
  /** What an operator should know besides, each to be said once. Without full stops. */
  readonly remarks: readonly string[];
}

/** An aggregate's own limit, in its metadata; 0: none. */
const aggregateLimit = 'evacuation_max_failed';

/**
 * Which of the marked hosts are evacuated now. Hosts that failed first go first; one whose evacuation has begun is never
 * stopped in the middle by what fails later. The rules, in this order:
 *
 * 1. An operator's `pause`, of the node or else of the cluster: deferred, begun or not.
 * 2. Begun: goes on.
 * 3. An operator's `go`, of the node or else of the cluster: no limit counts.
 * 4. More than `maxFailedPercent` of all compute services are down: what failed last is deferred.
 * 5. More hosts of one of its aggregates are down than may be: likewise.
 *
 * Whose turn it is among those that go is told by `turns.ts`.
 *
 * Down is what bears a pending mark, is forced down or down in Nova, or was evacuated and is not up again, whoever
 * disabled it and why; whatever is down without a pending mark comes before what bears one. A service that is up counts as
 * healthy, disabled or not, and so does one whose state Nova cannot tell.
 */
export function admit(facts: AdmissionFacts): Admissions {
  const order = inOrder(facts.pending);
  const down = downHosts(facts, order);
  const hosts = new Map<MarkName, Admission>();
  for (const one of order) {
    const byWord = wordFor(facts, one).mode === 'go';
    const deferral =
      paused(facts, one) ??
      (one.begun || byWord
        ? null
        : (aboveShare(facts, order, down, one) ?? aboveAggregate(facts, order, down, one)));
    for (const name of one.names) hosts.set(name, deferral ?? { kind: 'go', byWord });
  }
  return { hosts, remarks: order.length === 0 ? [] : remarks(facts) };
}

/** A host with all names it is marked under. */
interface Candidate extends Omit<PendingHost, 'name'> {
  readonly names: readonly [MarkName, ...MarkName[]];
}

type Deferral = Extract<Admission, { kind: 'defer' }> | null;

/** What was begun first, then what failed first. */
function inOrder(pending: readonly PendingHost[]): readonly Candidate[] {
  const byHost = new Map<NovaHost, Candidate>();
  for (const { name, host, fencedAt, begun } of pending) {
    const same = byHost.get(host);
    byHost.set(host, {
      names: same === undefined ? [name] : [...same.names, name],
      host,
      fencedAt: Math.min(fencedAt, same?.fencedAt ?? fencedAt),
      begun: begun || same?.begun === true,
    });
  }
  return [...byHost.values()].sort(
    (a, b) => Number(b.begun) - Number(a.begun) || a.fencedAt - b.fencedAt || (a.host < b.host ? -1 : 1),
  );
}

function downHosts(
  { services, evacuated }: AdmissionFacts,
  order: readonly Candidate[],
): ReadonlySet<NovaHost> {
  const marked = new Set(order.map(({ host }) => host));
  const isDown = ({ host, forcedDown, state }: ComputeService) =>
    marked.has(host) || forcedDown || state === 'down' || (state !== 'up' && evacuated.has(host));
  return new Set(services.filter(isDown).map(({ host }) => host));
}

/** How many are down before and with this one, among the hosts that count. */
function rank(
  order: readonly Candidate[],
  down: ReadonlySet<NovaHost>,
  one: Candidate,
  counts: (host: NovaHost) => boolean,
): number {
  const marked = order.map(({ host }) => host).filter(counts);
  const unmarked = [...down].filter(counts).length - marked.length;
  return unmarked + marked.indexOf(one.host) + 1;
}

function aboveShare(
  { services, limits }: AdmissionFacts,
  order: readonly Candidate[],
  down: ReadonlySet<NovaHost>,
  one: Candidate,
): Deferral {
  const limit = limits.maxFailedPercent;
  if (rank(order, down, one, () => true) * 100 <= limit * services.length) return null;
  // Rounded up, so that what is above the limit reads so.
  const percent = Math.ceil((down.size * 1000) / services.length) / 10;
  const [name] = one.names;
  return {
    kind: 'defer',
    why: 'share',
    sentence: `${name} is deferred: ${down.size} of ${services.length} compute hosts are down (${percent} %), above max_failed_percent=${limit}; it goes on by itself when fewer are, or with: ${goCommand(name)}`,
  };
}

function aboveAggregate(
  { aggregates, services, limits }: AdmissionFacts,
  order: readonly Candidate[],
  down: ReadonlySet<NovaHost>,
  one: Candidate,
): Deferral {
  const [name] = one.names;
  const known = new Set(services.map(({ host }) => host));
  for (const aggregate of aggregates ?? []) {
    const { hosts, name: title } = aggregate;
    if (!hosts.includes(one.host)) continue;
    const own = ownLimit(aggregate);
    const limit = own ?? limits.maxFailedPerAggregate;
    const members = new Set(hosts.filter((host) => known.has(host)));
    if (limit === 0 || rank(order, down, one, (host) => members.has(host)) <= limit) continue;
    const count = [...down].filter((host) => members.has(host)).length;
    const which =
      own === null ? `max_failed_per_aggregate=${limit}` : `the aggregate's ${aggregateLimit}=${limit}`;
    return {
      kind: 'defer',
      why: 'aggregate',
      sentence: `${name} is deferred: ${count} of the ${members.size} hosts of aggregate ${title} are down, above ${which}; it goes on by itself when fewer are, or with: ${goCommand(name)}`,
    };
  }
  return null;
}

/** Null: the aggregate has none of its own, or one that is no number. */
function ownLimit({ metadata }: Aggregate): number | null {
  const text = metadata[aggregateLimit]?.trim() ?? '';
  return /^\d{1,6}$/.test(text) ? Number(text) : null;
}

interface Word {
  readonly mode: Mode;
  /** The node that it is said of; null: the cluster. */
  readonly node: NodeName | null;
}

/** The word that counts for a host: its node's, else the cluster's. Said of it under two names, a pause wins. */
function wordFor({ modes, hostOf }: AdmissionFacts, one: Candidate): Word {
  const own = [...modes.nodes]
    .filter(([node]) => {
      const name = markOfNode(node);
      return one.names.some((own) => isSameHost(own, name)) || isSameHost(hostOf(name), one.host);
    })
    .map(([node, mode]): Word => ({ mode, node }));
  return (
    own.find(({ mode }) => mode === 'pause') ??
    own.find(({ mode }) => mode === 'go') ??
    own[0] ?? { mode: modes.cluster, node: null }
  );
}

function paused(facts: AdmissionFacts, one: Candidate): Deferral {
  const word = wordFor(facts, one);
  if (word.mode !== 'pause') return null;
  const { modes } = facts;
  const { node } = word;
  const [name] = one.names;
  const odd = modes.unknown.find((unknown) => unknown.where === node);
  const says = odd === undefined ? 'evacuation=pause' : `evacuation="${odd.value}" (which counts as pause)`;
  const where = node === null ? `the cluster property ${says}` : `the attribute ${says} of node ${node}`;
  const follows = one.begun ? ', and what it has accepted is followed to its end' : '';
  const alone = node === null ? ` (or for this host alone: ${goCommand(name)})` : '';
  const cure = unsayCommand(node, node !== null && modes.transient.has(node));
  return {
    kind: 'defer',
    why: 'paused',
    // Pacemaker shows the first 128 characters.
    sentence: `${name} is paused by ${where} and goes on after: ${cure}${alone}; until then nothing new is asked of Nova for it${follows}`,
  };
}

function remarks({ aggregates, limits, modes }: AdmissionFacts): readonly string[] {
  const said = modes.unknown.map(({ where, value }) =>
    where === null
      ? `The cluster property evacuation ${oddText(value)}`
      : `The attribute evacuation of node ${where} ${oddText(value)}`,
  );
  if (aggregates === null && limits.maxFailedPerAggregate > 0) {
    said.push(
      `The aggregates cannot be read, so limits of failed hosts per aggregate (max_failed_per_aggregate, ${aggregateLimit}) defer nothing`,
    );
  }
  for (const aggregate of aggregates ?? []) {
    const text = aggregate.metadata[aggregateLimit];
    if (text === undefined || ownLimit(aggregate) !== null) continue;
    said.push(
      `The ${aggregateLimit}="${text}" of aggregate ${aggregate.name} is not a whole number, so max_failed_per_aggregate counts for it`,
    );
  }
  return said;
}

function oddText(value: string): string {
  return `says "${value}", which is neither pause nor go and counts as pause`;
}
