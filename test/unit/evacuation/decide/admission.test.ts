import { readFileSync } from 'node:fs';
import { type Aggregate, type ComputeService, novaHost } from '@openstack-ts/nova-client';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { type EvacuationModes, type Mode, markName } from '../../../../lib/attrd/index.ts';
import { type AdmissionFacts, type Admissions, admit } from '../../../../lib/evacuation/decide/admission.ts';
import { named } from '../../names.ts';

/** One scenario of scenarios/whenNot, in `comp0` to `comp(hosts - 1)`; all are up and enabled unless said otherwise. */
interface Scenario {
  readonly title: string;
  readonly hosts: number;
  readonly services?: Record<
    string,
    { state?: 'up' | 'down' | 'unknown'; status?: 'disabled'; forcedDown?: boolean; reason?: string }
  >;
  /** Names of pending marks, in the order in which their hosts failed; `count`: the first so many. */
  readonly failed: readonly string[] | { readonly count: number };
  readonly begun?: readonly string[];
  /** Nova's names of hosts whose mark reads `no`. */
  readonly evacuated?: readonly string[];
  /** Names that mean the host of another name. */
  readonly sameHost?: Record<string, string>;
  readonly aggregates?: Record<string, { hosts: readonly string[]; maxFailed?: string }> | null;
  readonly word?: Record<string, Mode>;
  readonly transient?: readonly string[];
  readonly unknown?: Record<string, string>;
  readonly limits?: { percent?: number; perAggregate?: number };
  /** What becomes of each mark: `go`, or why it is deferred. With `failed` as a range, of some. */
  readonly expect: Record<string, 'go' | 'paused' | 'share' | 'aggregate'>;
  /** A part of the sentence. */
  readonly says?: Record<string, string>;
  readonly remarks?: readonly string[];
}

const keys = new Set<string>([
  ...['title', 'hosts', 'services', 'failed', 'begun', 'evacuated', 'sameHost', 'aggregates'],
  ...['word', 'transient', 'unknown', 'limits', 'expect', 'says', 'remarks'],
]);

function scenarios(file: string): Scenario[] {
  const text = readFileSync(new URL(`../scenarios/whenNot/${file}.yaml`, import.meta.url), 'utf8');
  return parseAllDocuments(text).map((document) => {
    const scenario = document.toJS() as Scenario;
    for (const key of Object.keys(scenario)) {
      if (!keys.has(key)) throw new Error(`${file}: "${scenario.title}" has an unknown key ${key}`);
    }
    return scenario;
  });
}

function serviceOf(host: string, facts: NonNullable<Scenario['services']>[string] = {}): ComputeService {
  return {
    id: host,
    host: novaHost(host),
    state: facts.state ?? (facts.forcedDown ? 'down' : 'up'),
    status: facts.status ?? 'enabled',
    zone: 'nova',
    disabledReason: facts.reason ?? null,
    forcedDown: facts.forcedDown ?? false,
    updatedAt: null,
  };
}

function factsOf(scenario: Scenario): AdmissionFacts {
  const { failed, sameHost = {}, begun = [], word = {}, limits = {} } = scenario;
  const names = Array.isArray(failed)
    ? failed
    : Array.from({ length: (failed as { count: number }).count }, (_, index) => `comp${index}`);
  const { cluster = 'normal', ...nodes } = word;
  const modes = named<EvacuationModes>({
    cluster,
    nodes: new Map(Object.entries(nodes)),
    transient: new Set(scenario.transient),
    unknown: Object.entries(scenario.unknown ?? {}).map(([where, value]) => ({
      where: where === 'cluster' ? null : where,
      value,
    })),
  });
  const hosts = Array.from({ length: scenario.hosts }, (_, index) => `comp${index}`);
  const hostOf = (node: string) => sameHost[node] ?? (hosts.includes(node) ? node : null);
  const aggregates = Object.entries(scenario.aggregates ?? {}).map(
    ([name, aggregate]): Aggregate => ({
      id: name,
      name,
      availabilityZone: null,
      hosts: aggregate.hosts.map(novaHost),
      metadata: aggregate.maxFailed === undefined ? {} : { evacuation_max_failed: aggregate.maxFailed },
    }),
  );
  return {
    // Failed ones are down unless the scenario says what Nova makes of them.
    services: hosts.map((host) =>
      serviceOf(host, scenario.services?.[host] ?? (names.includes(host) ? { state: 'down' } : {})),
    ),
    // Listed last first, so that no order but that of their failures can make the result.
    pending: names
      .map((name, index) => ({
        name,
        host: hostOf(name) ?? name,
        fencedAt: 1000 + index,
        begun: begun.includes(name),
      }))
      .reverse(),
    evacuated: new Set(scenario.evacuated?.map(novaHost)),
    aggregates: scenario.aggregates === null ? null : aggregates,
    modes,
    hostOf: (name) => {
      const host = hostOf(name);
      return host === null ? null : novaHost(host);
    },
    limits: {
      maxFailedPercent: limits.percent ?? 100,
      maxFailedPerAggregate: limits.perAggregate ?? 0,
    },
  };
}

const outcomeOf = ({ hosts }: Admissions, name: string) => {
  const one = hosts.get(markName(name));
  return one?.kind === 'defer' ? one.why : one?.kind;
};

const files = ['mass-failure', 'maintenance', 'aggregates', 'operators-word'];
describe.each(files)('scenarios: %s', (file) => {
  test.each(scenarios(file).map((scenario) => [scenario.title, scenario] as const))('%s', (_, scenario) => {
    const admissions = admit(factsOf(scenario));
    const told = Object.keys(scenario.expect);
    expect(Object.fromEntries(told.map((name) => [name, outcomeOf(admissions, name)]))).toEqual(
      scenario.expect,
    );
    if (Array.isArray(scenario.failed)) {
      expect([...admissions.hosts.keys()].sort()).toEqual([...told].sort());
    }
    for (const [name, part] of Object.entries(scenario.says ?? {})) {
      expect(admissions.hosts.get(markName(name))).toMatchObject({ sentence: expect.stringContaining(part) });
    }
    for (const one of admissions.hosts.values()) {
      if (one.kind === 'defer') expect(one.sentence).toMatch(/^(?!.*\. )[^\n]*[^.\n]$/);
    }
    expect(admissions.remarks).toEqual(scenario.remarks ?? []);
  });
});

describe('whatever the limits', () => {
  const scenario = fc
    .record({
      hosts: fc.integer({ min: 1, max: 12 }),
      failing: fc.array(fc.record({ begun: fc.boolean() }), { maxLength: 12 }),
      limits: fc.record({
        percent: fc.integer({ min: 1, max: 100 }),
        perAggregate: fc.integer({ min: 0, max: 4 }),
      }),
      rack: fc.integer({ min: 0, max: 12 }),
      down: fc.integer({ min: 0, max: 4 }),
    })
    .map(({ hosts, failing, limits, rack, down }): Scenario => {
      const failed = failing.slice(0, hosts).map((_, index) => `comp${index}`);
      const begun = failed.filter((_, index) => failing[index]?.begun);
      const spare = Array.from({ length: Math.min(down, hosts - failed.length) }, (_, i) => hosts - 1 - i);
      return {
        title: '',
        hosts,
        failed,
        begun,
        services: Object.fromEntries(spare.map((index) => [`comp${index}`, { state: 'down' as const }])),
        aggregates: { rack: { hosts: Array.from({ length: Math.min(rack, hosts) }, (_, i) => `comp${i}`) } },
        limits,
        expect: {},
      };
    });

  test('what was begun goes on, and every mark is told what becomes of it', () => {
    fc.assert(
      fc.property(scenario, (one) => {
        const admissions = admit(factsOf(one));
        expect([...admissions.hosts.keys()].sort()).toEqual([...(one.failed as string[])].sort());
        for (const name of one.begun ?? []) expect(outcomeOf(admissions, name)).toBe('go');
      }),
    );
  });

  test('more hosts are never let go than the limits allow, unless begun', () => {
    fc.assert(
      fc.property(scenario, (one) => {
        const { hosts } = admit(factsOf(one));
        const gone = (one.failed as string[]).filter((name) => hosts.get(markName(name))?.kind === 'go');
        if (gone.every((name) => one.begun?.includes(name))) return;
        const { percent = 100, perAggregate = 0 } = one.limits ?? {};
        expect(gone.length * 100).toBeLessThanOrEqual(percent * one.hosts);
        const begins = gone.filter((name) => !one.begun?.includes(name));
        const inRack = (name: string) => one.aggregates?.['rack']?.hosts.includes(name) ?? false;
        if (perAggregate > 0 && begins.some(inRack)) {
          expect(gone.filter(inRack).length).toBeLessThanOrEqual(perAggregate);
        }
      }),
    );
  });

  test('with fewer hosts down nobody is deferred who was let go before', () => {
    fc.assert(
      fc.property(scenario, (one) => {
        const before = admit(factsOf(one));
        const after = admit(factsOf({ ...one, services: {} }));
        for (const [name, { kind }] of before.hosts) {
          if (kind === 'go') expect(after.hosts.get(name)?.kind).toBe('go');
        }
      }),
    );
  });
});
