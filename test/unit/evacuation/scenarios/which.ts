/** Reads the scenarios beside this file (state of a cloud in, decisions out) and plays them through reader and policy. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NovaErrorCode, Server } from '@openstack-ts/nova-client';
import { parse } from 'yaml';
import { questionsOf } from '../../../../lib/evacuation/judge/criteria.ts';
import { parsePolicy, select } from '../../../../lib/evacuation/judge/policy.ts';
import { PolicyReader } from '../../../../lib/evacuation/look/policyReader.ts';
import { aFlavor, anAggregate, anImage, aServer, aVolume, FakeLists, type Lists } from '../fakeLists.ts';

export interface Scenario {
  readonly what: string;
  readonly lists: Lists;
  readonly fails: Readonly<Record<string, NovaErrorCode>>;
  readonly policy: Readonly<Record<'include' | 'exclude', string>>;
  readonly servers: readonly Server[];
  /** By the server's name: `yes`, `no: RULE` or `undecided: REASON`. */
  readonly decisions: Readonly<Record<string, string>>;
  /** Parts of the cloud that something was said about because they could not be read. */
  readonly said: readonly string[];
}

const directory = join(import.meta.dirname, 'which');

export function readScenarios(): readonly {
  readonly file: string;
  readonly scenarios: readonly Scenario[];
}[] {
  return readdirSync(directory)
    .filter((file) => file.endsWith('.yaml'))
    .sort()
    .map((file) => {
      const data: unknown = parse(readFileSync(join(directory, file), 'utf8'), { schema: 'failsafe' });
      return { file, scenarios: list(data, file).map(readScenario) };
    });
}

export async function decide({ lists, fails, policy: rules, servers }: Scenario) {
  const parsed = parsePolicy({ ...rules, priority: '', other_states: 'leave' });
  if ('error' in parsed) throw new Error(parsed.error);
  const said: string[] = [];
  const reader = new PolicyReader(new FakeLists(lists, fails), questionsOf(parsed.policy), {});
  const facts = await reader.factsFor(servers, (what) => said.push(what));
  const decisions = Object.fromEntries(
    servers.map((server) => {
      const selected = select(server, facts, parsed.policy);
      const text =
        selected.kind === 'yes'
          ? 'yes'
          : `${selected.kind}: ${selected.kind === 'no' ? selected.rule : selected.reason}`;
      return [server.name, text];
    }),
  );
  return { decisions, said };
}

function readScenario(data: unknown): Scenario {
  const scenario = fields(
    data,
    ['what', 'cloud', 'fails', 'policy', 'servers', 'decisions', 'said'],
    'a scenario',
  );
  const what = text(scenario['what']);
  const cloud = fields(scenario['cloud'], ['flavors', 'images', 'volumes', 'aggregates', 'projects'], what);
  const policy = fields(scenario['policy'], ['include', 'exclude'], what);
  const servers = list(scenario['servers'], what).map(readServer);
  const decisions = texts(scenario['decisions']);
  const missing = servers.filter(({ name }) => !(name in decisions));
  if (missing.length > 0 || Object.keys(decisions).length !== servers.length) {
    throw new Error(`${what}: decisions and servers are not the same`);
  }
  return {
    what,
    lists: {
      flavors: list(cloud['flavors'] ?? [{ name: 'small' }], what).map((one) => {
        const flavor = fields(one, ['name', 'specs'], what);
        return aFlavor(text(flavor['name']), texts(flavor['specs']));
      }),
      images: list(cloud['images'] ?? [], what).map((one) => {
        const image = fields(one, ['id', 'name', 'tags', 'properties'], what);
        return anImage(text(image['id']), {
          name: image['name'] === undefined ? null : text(image['name']),
          tags: list(image['tags'] ?? [], what).map(text),
          properties: texts(image['properties']),
        });
      }),
      volumes: list(cloud['volumes'] ?? [], what).map((one) => {
        const volume = fields(one, ['id', 'server', 'image', 'attached'], what);
        return aVolume(
          text(volume['id']),
          text(volume['server']),
          texts(volume['image']),
          volume['attached'] === 'false' ? { serverIds: [] } : {},
        );
      }),
      aggregates: list(cloud['aggregates'] ?? [], what).map((one) => {
        const aggregate = fields(one, ['name', 'hosts', 'metadata'], what);
        return anAggregate(
          text(aggregate['name']),
          list(aggregate['hosts'], what).map(text),
          texts(aggregate['metadata']),
        );
      }),
      projects: list(cloud['projects'] ?? [], what).map((one) => {
        const project = fields(one, ['id', 'name'], what);
        return { id: text(project['id']), name: text(project['name']) };
      }),
    },
    fails: Object.fromEntries(
      Object.entries(texts(scenario['fails'])).map(([method, code]) => [method, codeOf(code)]),
    ),
    policy: { include: text(policy['include'] ?? ''), exclude: text(policy['exclude'] ?? '') },
    servers,
    decisions,
    said: list(scenario['said'] ?? [], what).map(text),
  };
}

/** A server without an image boots from a volume. */
function readServer(data: unknown): Server {
  const server = fields(
    data,
    ['name', 'host', 'flavor', 'copy', 'image', 'volumes', 'metadata', 'project', 'zone'],
    'a server',
  );
  const name = text(server['name']);
  return aServer({
    id: `id-of-${name}`,
    name,
    host: text(server['host'] ?? 'comp0'),
    flavor: {
      id: null,
      name: text(server['flavor'] ?? 'small'),
      extraSpecs: server['copy'] === 'hidden' ? null : texts(server['copy']),
      size: null,
    },
    imageId: server['image'] === undefined ? null : text(server['image']),
    volumeIds: list(server['volumes'] ?? [], name).map(text),
    metadata: texts(server['metadata']),
    projectId: text(server['project'] ?? 'p1'),
    availabilityZone: text(server['zone'] ?? 'nova'),
  });
}

function codeOf(text: string): NovaErrorCode {
  const code = (
    ['forbidden', 'notFound', 'noEndpoint', 'unreachable', 'serverError', 'authFailed'] as const
  ).find((one) => one === text);
  if (code === undefined) throw new Error(`${text} is no code of an error`);
  return code;
}

/** A key that is misspelled would make a scenario that cannot fail. */
function fields(data: unknown, known: readonly string[], where: string): Readonly<Record<string, unknown>> {
  const record = recordOf(data);
  const unknown = Object.keys(record).find((key) => !known.includes(key));
  if (unknown !== undefined) throw new Error(`${where}: unknown key ${unknown}`);
  return record;
}

function texts(data: unknown): Record<string, string> {
  return Object.fromEntries(Object.entries(recordOf(data)).map(([key, value]) => [key, text(value)]));
}

function recordOf(data: unknown): Readonly<Record<string, unknown>> {
  if (data === undefined) return {};
  if (typeof data !== 'object' || data === null || Array.isArray(data))
    throw new Error(`${String(data)} is no map`);
  return { ...data };
}

function list(data: unknown, where: string): readonly unknown[] {
  if (!Array.isArray(data)) throw new Error(`${where}: no list`);
  return data;
}

/** YAML's failsafe schema knows text only, as the wire does: a bare true is the text `true`. */
function text(data: unknown): string {
  if (typeof data !== 'string') throw new Error(`${JSON.stringify(data)} is no text`);
  return data;
}
