import { parseXml, XmlElement } from '@rgrove/parse-xml';
import { waitFor } from './cloud.ts';
import { onNode } from './node.ts';
import { COMPUTES, CONTROLLERS } from './settings.ts';

/** What the cluster says, asked of the first controller that is up, with Pacemaker's own tools. */

export interface FencingEvent {
  readonly action: string;
  readonly target: string;
  readonly status: string;
  readonly delegate: string;
  readonly completed: Date;
}

export interface FailedAction {
  readonly operation: string;
  readonly node: string;
  readonly exitCode: string;
  readonly exitReason: string;
}

/** The two copies of a host's mark, as facts of the attribute daemon and of the CIB. */
export interface Mark {
  readonly permanent: string | undefined;
  readonly transient: string | undefined;
}

function* walk(element: XmlElement): Generator<XmlElement> {
  yield element;
  for (const child of element.children) if (child instanceof XmlElement) yield* walk(child);
}

const attribute = (element: XmlElement, name: string): string => element.attributes[name] ?? '';

export class ClusterStatus {
  private readonly elements: XmlElement[];

  constructor(xml: string) {
    const root = parseXml(xml).root;
    if (root === null) throw new Error('crm_mon printed no document');
    this.elements = [...walk(root)];
  }

  private named(name: string): XmlElement[] {
    return this.elements.filter((e) => e.name === name);
  }

  /** Names of the nodes, full and remote, that are online, joined, and not waiting to be fenced. */
  get online(): string[] {
    const is = (n: XmlElement, flag: string, value: string): boolean => attribute(n, flag) === value;
    return this.named('node')
      .filter((n) => is(n, 'online', 'true') && is(n, 'unclean', 'false') && is(n, 'pending', 'false'))
      .map((n) => attribute(n, 'name'));
  }

  /** Where a resource is started. */
  startedOn(resource: string): string[] {
    return this.named('resource')
      .filter((r) => attribute(r, 'id') === resource && attribute(r, 'role') === 'Started')
      .flatMap((r) => [...walk(r)].filter((n) => n.name === 'node').map((n) => attribute(n, 'name')));
  }

  get fencing(): FencingEvent[] {
    return this.named('fence_event').map((e) => ({
      action: attribute(e, 'action'),
      target: attribute(e, 'target'),
      status: attribute(e, 'status'),
      delegate: attribute(e, 'delegate'),
      completed: new Date(attribute(e, 'completed').replace(' ', 'T')),
    }));
  }

  get failures(): FailedAction[] {
    return this.named('failure').map((f) => ({
      operation: attribute(f, 'op_key'),
      node: attribute(f, 'node'),
      exitCode: attribute(f, 'exitcode'),
      exitReason: attribute(f, 'exitreason'),
    }));
  }

  /** Public node attributes, as `crm_mon -A` shows them: "node name=value". */
  get attributes(): string[] {
    return this.named('node_attributes').flatMap((all) =>
      [...walk(all)]
        .filter((n) => n.name === 'node')
        .flatMap((n) =>
          [...walk(n)]
            .filter((a) => a.name === 'attribute')
            .map((a) => `${attribute(n, 'name')} ${attribute(a, 'name')}=${attribute(a, 'value')}`),
        ),
    );
  }
}

export class Cluster {
  /** Runs a command on the first controller that takes it. */
  async ask(command: readonly string[], seconds = 20): Promise<string> {
    let last = 'no controller is up';
    for (const controller of CONTROLLERS) {
      const { code, stdout, stderr } = await onNode(controller, command, seconds);
      if (code === 0) return stdout;
      last = `${controller}: exit ${code}: ${stderr.trim()}`;
    }
    throw new Error(`${command.join(' ')}: ${last}`);
  }

  async status(): Promise<ClusterStatus> {
    return new ClusterStatus(await this.ask(['crm_mon', '-1', '-A', '--output-as=xml'], 10));
  }

  /** The node that runs a resource; an error when none does. */
  async nodeOf(resource: string): Promise<string> {
    return waitFor(`${resource} started somewhere`, 60, async () => {
      return (await this.status().catch(() => undefined))?.startedOn(resource)[0];
    });
  }

  async mark(node: string): Promise<Mark> {
    const nodes = await this.ask(['cibadmin', '-Q', '-o', 'nodes']);
    const root = parseXml(nodes).root;
    const permanent =
      root === null
        ? undefined
        : [...walk(root)]
            .filter((e) => e.name === 'node' && attribute(e, 'uname') === node)
            .flatMap((e) => [...walk(e)])
            .find((e) => e.name === 'nvpair' && attribute(e, 'name') === 'evacuate')?.attributes['value'];
    const own = (await this.transient('evacuate')).find((a) => a.startsWith(`${node} `));
    return { permanent, transient: own?.slice(own.indexOf('=') + 1) };
  }

  /** The values of a transient attribute, public or private, as "node name=value"; not those that are empty. */
  async transient(name: string): Promise<string[]> {
    // One that was never set is an error, whose exit code differs by version.
    const answer = await this.ask([
      'sh',
      '-c',
      `said=$(attrd_updater -Q -A -n ${name} 2>&1) || case $said in *'does not exist'*) ;; *) exit 1 ;; esac; echo "$said"`,
    ]);
    return answer.split('\n').flatMap((line) => {
      const [, host, value = ''] = /host="([^"]*)" value="(.*)"/.exec(line) ?? [];
      return host === undefined || value === '' ? [] : [`${host} ${name}=${value}`];
    });
  }

  /** Takes back what a scenario left in the cluster: marks, progress, histories of failures and fencing. */
  async forget(): Promise<void> {
    for (const node of COMPUTES) {
      await this.ask(['crm_attribute', '-N', node, '-n', 'evacuate', '-D', '-l', 'forever']);
      await this.ask(['attrd_updater', '-n', 'evacuate', '-N', node, '-D']);
    }
    for (const entry of (await this.status()).attributes) {
      const [node = '', assignment = ''] = entry.split(' ');
      const name = assignment.split('=')[0] ?? '';
      if (/^(?:evacuation|nova-compute)-/.test(name))
        await this.ask(['attrd_updater', '-n', name, '-N', node, '-D']);
    }
    await this.ask(['stonith_admin', '--cleanup', '--history=*']);
    await this.ask(['crm_resource', '--cleanup']);
  }

  /** Until all nodes are online and every resource is where it belongs. */
  async waitReady(seconds: number): Promise<void> {
    let missing = '';
    await waitFor('the whole cluster up and at rest', seconds, async () => {
      const status = await this.status().catch(() => undefined);
      if (status === undefined) return undefined;
      missing = [
        ...[...CONTROLLERS, ...COMPUTES].filter((n) => !status.online.includes(n)),
        ...['nova-evacuate', 'power', 'fence-nova'].filter((r) => status.startedOn(r).length !== 1),
        ...COMPUTES.filter((n) => !status.startedOn('compute-unfence-trigger').includes(n)).map(
          (n) => `${n} unfenced`,
        ),
      ].join(', ');
      return missing === '' ? true : undefined;
    }).catch((error: unknown) => {
      throw new Error(`${error instanceof Error ? error.message : String(error)} (missing: ${missing})`);
    });
  }
}
