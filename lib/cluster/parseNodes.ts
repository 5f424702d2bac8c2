import { AttrdError } from '../attrd/errors.ts';
import { nodeName } from '../attrd/names.ts';
import { knowingAgain } from '../attrd/sameAnswer.ts';
import { descendants, type Element, parseXmlDocument } from '../attrd/xml.ts';
import type { ClusterNode } from './types.ts';

/** One answer of `crm_mon`, as it stands there. */
export interface CrmMonAnswer {
  /** Whether the cluster has a designated controller, the one that schedules and writes the nodes' states. */
  readonly hasDc: boolean;
  readonly hasQuorum: boolean;
  /** `no-quorum-policy`, which 1.1 and 2.0 print under `cluster_options` as well; null where it is not printed. */
  readonly noQuorumPolicy: string | null;
  /** Of Pacemaker on this machine (`starting_daemons`, `shutting_down` …); null: `running`, or not printed. */
  readonly daemonState: string | null;
  readonly nodes: readonly ClusterNode[];
}

/** Operations that have ended, resources without one that has not, and resources that are not being started. */
const noise = [
  /<operation_history (?![^<>]*\bcall="-1")[^<>]*\/>\s*/g,
  /<resource_history [^<>]*>\s*<\/resource_history>\s*/g,
  /<resource (?![^<>]*\brole="Starting")[^<>]*\/>\s*/g,
  /<resource (?![^<>]*\brole="Starting")[^<>/]*(?:\/[^<>/]+)*>\s*(?:<node [^<>]*\/>\s*)*<\/resource>\s*/g,
];

/**
 * Parses `crm_mon --output-as=xml` (root `pacemaker-result`, Pacemaker 2.0.3 and newer: lib/pengine/pe_output.c) and
 * `crm_mon --as-xml` of older ones (root `crm_mon`: tools/crm_mon.c, print_xml_status). What is read here stands in both
 * under the same names, from 1.1.18 to 3.0.3. `AttrdError` `malformed` when the nodes are missing, as they are where
 * crm_mon exits with 0 although it has not reached the CIB (seen on 2.1.5), or one is not understood.
 */
export const parseCrmMon = knowingAgain(async (output): Promise<CrmMonAnswer> => {
  const document = await parseXmlDocument(output, 'crm_mon', noise);
  const root = document.children[0];
  const sections = (name: string) => (root?.children ?? []).filter((child) => child.name === name);
  const [summary] = sections('summary');
  const listed = sections('nodes').flatMap(({ children }) => children.filter(({ name }) => name === 'node'));
  const status = sections('status')[0]?.attributes['code'] ?? '0';
  if (summary === undefined || listed.length === 0 || status !== '0') {
    const [said] = descendants(document, 'error').flatMap(({ text }) => (text === '' ? [] : [`: ${text}`]));
    throw new AttrdError('malformed', `crm_mon answered without the cluster's nodes${said ?? ''}`);
  }
  const resources = sections('resources').flatMap((section) => descendants(section, 'resource'));
  // What a controller began that is gone itself is nobody's attempt any more.
  const isOnline = (name: string | undefined) =>
    listed.some(({ attributes }) => attributes['name'] === name && attributes['online'] === 'true');
  const histories = sections('node_history')
    .flatMap((section) => descendants(section, 'node'))
    .filter(({ attributes }) => isOnline(attributes['name']))
    .flatMap((node) => descendants(node, 'resource_history'));
  const connecting = connectingNodes(resources, histories);
  const attributesOf = (name: string) => descendants(summary, name)[0]?.attributes ?? {};
  const dc = attributesOf('current_dc');
  const state = attributesOf('stack')['pacemakerd-state'];
  return {
    hasDc: dc['present'] === 'true',
    hasQuorum: dc['with_quorum'] === 'true',
    noQuorumPolicy: attributesOf('cluster_options')['no-quorum-policy'] ?? null,
    daemonState: state === undefined || state === 'running' || state === 'remote' ? null : state,
    nodes: listed
      .filter(({ attributes }) => attributes['type'] !== 'ping')
      .map((node) => read(node, connecting)),
  };
});

/**
 * Nodes whose connection is only being tried: its start has no result yet. Meanwhile the node reads `online="true"` and,
 * but for a role `Starting` in the first seconds, its resource `Started` (seen on 2.1.5, 3.0.0 and 3.0.3;
 * lib/pengine/unpack.c, determine_remote_online_status, takes a pending start for started), or, after those seconds,
 * `online="false"` and `Stopped`, where another node has stopped it before (seen on 3.0.0). What tells is the history of
 * operations: one that is pending has no call id (`operation_history call="-1"`). The role is heeded as well, for a version
 * that prints no history.
 */
function connectingNodes(resources: readonly Element[], histories: readonly Element[]): ReadonlySet<string> {
  const starting = resources.filter(({ attributes }) => attributes['role'] === 'Starting');
  const pending = histories.filter((history) =>
    descendants(history, 'operation_history').some(
      ({ attributes }) => attributes['task'] === 'start' && attributes['call'] === '-1',
    ),
  );
  // The connection of a remote or guest node is a resource of the node's own name.
  return new Set([...starting, ...pending].flatMap(({ attributes }) => attributes['id'] ?? []));
}

function read({ attributes }: Element, connecting: ReadonlySet<string>): ClusterNode {
  const { name, type } = attributes;
  if (name === undefined || type === undefined) {
    throw new AttrdError('malformed', 'crm_mon answered a node without a name or a type');
  }
  const flag = (key: 'online' | 'pending' | 'unclean' | 'standby' | 'maintenance'): boolean => {
    const value = attributes[key];
    if (value !== 'true' && value !== 'false') {
      throw new AttrdError('malformed', `crm_mon answered node ${name} with ${key}="${value ?? ''}"`);
    }
    return value === 'true';
  };
  const kind = attributes['id_as_resource'] !== undefined ? 'guest' : type === 'remote' ? 'remote' : 'member';
  return {
    name: nodeName(name),
    kind,
    online: flag('online'),
    pending: flag('pending'),
    unclean: flag('unclean'),
    standby: flag('standby'),
    maintenance: flag('maintenance'),
    connecting: kind !== 'member' && connecting.has(name),
  };
}
