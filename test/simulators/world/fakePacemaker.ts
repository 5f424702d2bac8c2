import type { CommandResult, CommandRunner } from '../../../lib/attrd/index.ts';

/** How a version of Pacemaker's tools answers, where versions differ. */
export interface Manners {
  /** `attrd_updater` knows `--output-as=xml` (2.1 and newer). */
  readonly xml: boolean;
  /** Text output puts a backslash before quotes (3.0). */
  readonly escapes: boolean;
  /** Exit codes: of a missing attribute, of an unknown option, without a cluster, of nothing found in the CIB. */
  readonly missing: number;
  readonly usage: number;
  readonly disconnected: number;
  readonly notFound: number;
  /** What an unknown option is answered with. */
  readonly unknownOption: string;
  /** `crm_mon` knows `--output-as=xml` (2.0.3 and newer), else `--as-xml`. */
  readonly newCrmMon: boolean;
  /** Membership is a time (2.1.7 and newer), and that is 0 for every remote node. */
  readonly membershipIsTime: boolean;
}

export const manners = {
  '1.1.18': {
    xml: false,
    escapes: false,
    missing: 6,
    usage: 64,
    disconnected: 107,
    notFound: 6,
    unknownOption: "attrd_updater: unrecognized option '--output-as=xml'",
    newCrmMon: false,
    membershipIsTime: false,
  },
  '2.0.5': {
    xml: false,
    escapes: false,
    missing: 105,
    usage: 64,
    disconnected: 102,
    notFound: 105,
    unknownOption: "attrd_updater: unrecognized option '--output-as=xml'",
    newCrmMon: true,
    membershipIsTime: false,
  },
  '2.1.5': {
    xml: true,
    escapes: false,
    missing: 78,
    usage: 64,
    disconnected: 102,
    notFound: 105,
    unknownOption: 'attrd_updater: Unknown option --output-as',
    newCrmMon: true,
    membershipIsTime: false,
  },
  '3.0.0': {
    xml: true,
    escapes: true,
    missing: 78,
    usage: 64,
    disconnected: 102,
    notFound: 105,
    unknownOption: 'attrd_updater: Unknown option --output-as',
    newCrmMon: true,
    membershipIsTime: true,
  },
  '3.0.2': {
    xml: true,
    escapes: true,
    missing: 78,
    usage: 64,
    disconnected: 102,
    notFound: 105,
    unknownOption: 'attrd_updater: Unknown option --output-as',
    newCrmMon: true,
    membershipIsTime: true,
  },
} as const satisfies Record<string, Manners>;

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\t': '&#x09;',
  '\n': '&#x0A;',
  '\r': '&#x0D;',
};

const escapeXml = (text: string) => text.replace(/[&<>"\t\n\r]/g, (one) => escapes[one] ?? one);

const unescapeXml = (text: string) =>
  text.replaceAll('&quot;', '"').replaceAll('&gt;', '>').replaceAll('&lt;', '<').replaceAll('&amp;', '&');

/**
 * attrd and the CIB of a small cluster in memory, reached as the real ones are: by the command lines of
 * attrd_updater, crm_attribute, cibadmin, crm_mon and stonith_admin. Answers word for word as they were observed.
 */
export class FakePacemaker {
  readonly manners: Manners;
  /** Transient values by attribute and host. After a deletion the host stays, with an empty value. */
  readonly transient = new Map<string, Map<string, string>>();
  readonly nodes = new Map<string, Map<string, string>>();
  /** Remote nodes that the CIB lists only once they bear an attribute. */
  readonly remotes = new Set<string>();
  /** Nodes whose connection is lost (offline), and the types of resources that run on a node. */
  readonly lost = new Set<string>();
  /**
   * Nodes that are to be fenced, members that are joining, and remote nodes whose connection is being tried, lost or not:
   * those are shown online.
   */
  readonly unclean = new Set<string>();
  readonly pending = new Set<string>();
  readonly connecting = new Set<string>();
  readonly standby = new Set<string>();
  /** Tools that fail. */
  readonly failing = new Set<string>();
  hasDc = true;
  hasQuorum = true;
  readonly active = new Map<string, string[]>();
  /** Cluster properties (`crm_config`), as operators leave them. */
  readonly properties = new Map<string, string>();
  /** The fencing history, the newest first; `completed` as Pacemaker prints it. */
  fencing: { target: string; action: string; status: string; completed?: string }[] = [];
  /** What `cibadmin -Q --xpath '//primitive | //template | //bundle'` prints. */
  primitives = '';
  readonly calls: string[] = [];
  running = true;
  /** Answers instead of the cluster where it gives something. */
  intercept: (line: string) => CommandResult | null = () => null;

  constructor(
    version: keyof typeof manners = '3.0.0',
    nodes: readonly string[] = ['ctl0'],
    remotes = ['comp0'],
  ) {
    this.manners = manners[version];
    for (const node of nodes) this.nodes.set(node, new Map());
    for (const remote of remotes) this.remotes.add(remote);
  }

  readonly run: CommandRunner = async (tool, args) => {
    const line = [tool, ...args].join(' ');
    this.calls.push(line);
    const instead = this.intercept(line);
    if (instead !== null) return instead;
    if (this.failing.has(tool)) return failed(1, `${tool}: Error`);
    if (tool === 'attrd_updater') return this.#attrdUpdater(args);
    if (tool === 'crm_attribute') return this.#crmAttribute(args);
    if (tool === 'stonith_admin') return this.#stonithAdmin(args);
    if (tool === 'crm_mon') return this.#crmMon(args);
    return this.#cibadmin(args);
  };

  /** A fencing of a node begins, or (`at`, in ms since the epoch) has succeeded. */
  noteFencing(target: string, at: number | null): void {
    const others = this.fencing.filter((event) => event.target !== target || event.status !== 'pending');
    const event =
      at === null
        ? { target, action: 'off', status: 'pending' }
        : {
            target,
            action: 'off',
            status: 'success',
            completed: new Date(at).toISOString().replace('T', ' '),
          };
    this.fencing = [event, ...others];
  }

  /** What attrd does to a remote node whose connection stops or starts, or (from 3.0.2 on) whose fencing succeeded. */
  purge(host: string): void {
    for (const [name, values] of this.transient) {
      values.delete(host);
      if (values.size === 0) this.transient.delete(name);
    }
  }

  /** As an operator or somebody else's tool does it. */
  setTransient(name: string, host: string, value: string): void {
    this.transient.set(name, (this.transient.get(name) ?? new Map()).set(host, value));
  }

  permanent(node: string): string | undefined {
    return this.nodes.get(node)?.get('evacuate');
  }

  #attrdUpdater(args: readonly string[]): CommandResult {
    const xml = args.includes('--output-as=xml');
    if (xml && !this.manners.xml) return failed(this.manners.usage, this.manners.unknownOption);
    if (!this.running) {
      return failed(
        this.manners.disconnected,
        'attrd_updater: Could not connect to attrd: Connection refused',
      );
    }
    const name = option(args, '-n') ?? args.find((arg) => arg.startsWith('--name='))?.slice(7) ?? '';
    const host = option(args, '-N') ?? 'ctl0';
    const value = option(args, '-U');
    if (value !== undefined || args.includes('-D')) {
      const values = this.transient.get(name);
      if (values === undefined && value === undefined) return done('');
      this.transient.set(name, (values ?? new Map()).set(host, value ?? ''));
      return done('');
    }
    const values = this.transient.get(name);
    if (values === undefined) {
      const said = `attrd_updater: Could not query value of ${name}: attribute does not exist`;
      return xml
        ? {
            exitCode: this.manners.missing,
            stderr: '',
            stdout: `<pacemaker-result api-version="2.25"><status code="78" message="Invalid configuration"><errors><error>${said}</error></errors></status></pacemaker-result>`,
          }
        : failed(this.manners.missing, said);
    }
    return done(xml ? this.#asXml(name, values) : this.#asText(name, values));
  }

  #asText(name: string, values: ReadonlyMap<string, string>): string {
    const shown = (value: string) =>
      this.manners.escapes
        ? value.replaceAll('"', '\\"').replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll('\t', '\\t')
        : value;
    return [...values]
      .map(([host, value]) => `name="${name}" host="${host}" value="${shown(value)}"\n`)
      .join('');
  }

  #asXml(name: string, values: ReadonlyMap<string, string>): string {
    const lines = [...values].map(
      ([host, value]) =>
        `  <attribute name="${escapeXml(name)}" value="${escapeXml(value)}" host="${escapeXml(host)}"/>\n`,
    );
    return `<pacemaker-result api-version="2.25" request="attrd_updater">\n${lines.join('')}  <status code="0" message="OK"/>\n</pacemaker-result>\n`;
  }

  #crmAttribute(args: readonly string[]): CommandResult {
    if (!this.running) return this.#noCib('crm_attribute');
    const node = option(args, '-N') ?? '';
    if (!this.nodes.has(node) && !this.remotes.has(node)) {
      return failed(this.manners.notFound, `crm_attribute: Could not map name=${node} to a UUID`);
    }
    const name = option(args, '-n') ?? '';
    const attributes = this.nodes.get(node);
    if (args.includes('-D')) {
      const was = attributes?.delete(name) ?? false;
      return done(was ? `Deleted nodes attribute: id=nodes-${node}-${name} name=${name}\n` : '');
    }
    this.nodes.set(node, (attributes ?? new Map()).set(name, option(args, '-v') ?? ''));
    return done('');
  }

  #cibadmin(args: readonly string[]): CommandResult {
    if (!this.running) return this.#noCib('cibadmin');
    if (args.includes('--modify')) return this.#modify(args);
    if (args.includes('--delete')) return this.#delete(option(args, '--xpath') ?? '');
    const one = /^\/cib\/configuration\/nodes\/node\[@uname=(["'])(.*)\1 or @id=\1\2\1\]$/.exec(
      option(args, '--xpath') ?? '',
    )?.[2];
    if (one !== undefined) {
      const name = this.#nodeCalled(one);
      return name === null ? this.#nothingFound('cib_query') : done(`${this.#node(name)}\n`);
    }
    if (args.includes('status')) return done(this.#status());
    const word =
      /^\/cib\/configuration\/nodes \| \/cib\/configuration\/crm_config\/.*\[@name='(\w+)'\] \| \/cib\/status\/node_state\/transient_attributes\[.*\[@name='\1'\]\]$/.exec(
        option(args, '--xpath') ?? '',
      )?.[1];
    if (word !== undefined) return done(this.#nodesAndWords(word));
    if (option(args, '--xpath') === '//primitive | //template | //bundle' && this.primitives !== '')
      return done(this.primitives);
    if (args.includes('--xpath')) return this.#nothingFound('cib_query');
    return failed(64, `This stand-in does not know cibadmin ${args.join(' ')}`);
  }

  /** A conditional change of a node's attributes: where the XPath finds no node, nothing is changed (seen on 2.1.5). */
  #modify(args: readonly string[]): CommandResult {
    const xpath = option(args, '--xpath') ?? '';
    const node = /^\/cib\/configuration\/nodes\/node\[@id=(["'])(.*?)\1 and (.*)\]$/.exec(xpath);
    const name = node === null ? null : this.#nodeCalled(node[2] ?? '');
    if (node === null) return failed(64, `This stand-in does not know the XPath ${xpath}`);
    const attributes = name === null ? undefined : this.nodes.get(name);
    const conditions = /^(.*?\)|.*?\]) and (.*)$/.exec(node[3] ?? '')?.slice(1) ?? [];
    if (name === null || attributes === undefined || conditions.length !== 2)
      return this.#nothingFound('cib_modify');
    for (const condition of conditions) {
      const absent = /^not\(instance_attributes\/nvpair\[@name='([\w-]+)'\]\)$/.exec(condition);
      const reads = /^instance_attributes\/nvpair\[@name='([\w-]+)' and @value=(["'])(.*)\2\]$/.exec(
        condition,
      );
      if (absent === null && reads === null)
        return failed(64, `This stand-in does not know the XPath ${xpath}`);
      const isSo =
        absent !== null ? !attributes.has(absent[1] ?? '') : attributes.get(reads?.[1] ?? '') === reads?.[3];
      if (!isSo) return this.#nothingFound('cib_modify');
    }
    for (const [, key = '', value = ''] of (option(args, '--xml-text') ?? '').matchAll(
      /<nvpair id="[^"]*" name="([^"]*)" value="([^"]*)"\/>/g,
    )) {
      attributes.set(unescapeXml(key), unescapeXml(value));
    }
    return done('');
  }

  /** What does not match is left, and that is a success (seen on 2.1.5). */
  #delete(xpath: string): CommandResult {
    const pair =
      /node\[@uname=(["'])(.*?)\1 or .*nvpair\[@name='([\w-]+)' and @value=(["'])(.*)\4\]$/.exec(xpath) ?? [];
    const [, , called = '', key = '', , value = ''] = pair;
    const attributes = this.nodes.get(this.#nodeCalled(called) ?? '');
    if (attributes?.get(key) === value) attributes.delete(key);
    return done('');
  }

  /** By its name or its id in the CIB. */
  #nodeCalled(text: string): string | null {
    const ids = [...this.nodes.keys()].map((name, index) => (this.remotes.has(name) ? name : `${index + 1}`));
    const index = [...this.nodes.keys()].findIndex((name, at) => name === text || ids[at] === text);
    return [...this.nodes.keys()][index] ?? null;
  }

  #nothingFound(call: string): CommandResult {
    return failed(this.manners.notFound, `Call ${call} failed (-6): No such device or address`);
  }

  #node(name: string): string {
    const index = [...this.nodes.keys()].indexOf(name);
    const pairs = [...(this.nodes.get(name) ?? [])].map(
      ([key, value]) =>
        `<nvpair id="nodes-${index}-${escapeXml(key)}" name="${escapeXml(key)}" value="${escapeXml(value)}"/>`,
    );
    const set =
      pairs.length === 0
        ? ''
        : `<instance_attributes id="nodes-${index}">${pairs.join('')}</instance_attributes>`;
    return this.remotes.has(name)
      ? `<node type="remote" id="${escapeXml(name)}" uname="${escapeXml(name)}">${set}</node>`
      : `<node id="${index + 1}" uname="${escapeXml(name)}">${set}</node>`;
  }

  /** The nodes, and what bears a name elsewhere: several elements come wrapped, the nodes alone do not. */
  #nodesAndWords(name: string): string {
    const property = this.properties.get(name);
    const nodes = `<nodes>\n${[...this.nodes.keys()].map((node) => this.#node(node)).join('\n')}\n</nodes>`;
    const found = [
      ...(property === undefined
        ? []
        : [`<nvpair id="cib-bootstrap-options-${name}" name="${name}" value="${escapeXml(property)}"/>`]),
      nodes,
      ...[...(this.transient.get(name) ?? [])]
        .filter(([node, value]) => value !== '' && (this.nodes.has(node) || this.remotes.has(node)))
        .map(([node, value]) => {
          const id = this.remotes.has(node) ? node : `${[...this.nodes.keys()].indexOf(node) + 1}`;
          return `<transient_attributes id="${escapeXml(id)}"><instance_attributes id="status-${escapeXml(id)}"><nvpair id="status-${escapeXml(id)}-${name}" name="${name}" value="${escapeXml(value)}"/></instance_attributes></transient_attributes>`;
        }),
    ];
    return found.length === 1 ? `${nodes}\n` : `<xpath-query>\n${found.join('\n')}\n</xpath-query>\n`;
  }

  #stonithAdmin(args: readonly string[]): CommandResult {
    const node = option(args, '--history') ?? '';
    if (!this.manners.xml) {
      return failed(this.manners.usage, "stonith_admin: unrecognized option '--output-as=xml'");
    }
    const answer = (body: string, exitCode: number): CommandResult => ({
      exitCode,
      stderr: '',
      stdout: `<pacemaker-result api-version="2.25" request="stonith_admin">\n${body}\n</pacemaker-result>\n`,
    });
    if (!this.running) {
      const said = 'Could not connect to fencer: Transport endpoint is not connected';
      const status = `<status code="102" message="Not connected"><errors><error>${said}</error></errors></status>`;
      return answer(status, this.manners.disconnected);
    }
    const all = this.fencing.filter(({ target }) => target === node);
    const shown = args.includes('--verbose') ? all : all.slice(-1);
    const events = shown.map(
      ({ target, action, status, completed }) =>
        `<fence_event action="${action}" target="${escapeXml(target)}" client="pacemaker-controld.53" origin="ctl0" status="${status}" ${completed === undefined ? 'extended-status="3"' : `delegate="ctl0" completed="${completed}"`}/>`,
    );
    const list = `<list name="fencing history" count="${events.length}">${events.join('\n')}</list>`;
    return answer(`${list}\n<status code="0" message="OK"/>`, 0);
  }

  /** The nodes as the scheduler sees them, and the connections of remote nodes. */
  #crmMon(args: readonly string[]): CommandResult {
    const isNew = args.includes('--output-as=xml');
    if (isNew && !this.manners.newCrmMon) {
      return failed(this.manners.usage, "crm_mon: unrecognized option '--output-as=xml'");
    }
    if (!isNew && !args.includes('--as-xml')) return failed(64, 'This stand-in tells the state as XML only');
    if (!this.running) {
      return failed(this.manners.disconnected, 'crm_mon: Error: cluster is not available on this node');
    }
    const has = (set: ReadonlySet<string>, name: string) => (set.has(name) ? 'true' : 'false');
    const names = [...new Set([...this.nodes.keys(), ...this.remotes])];
    const nodes = names.map((name) => {
      const isOnline = this.connecting.has(name) || !(this.lost.has(name) || this.unclean.has(name));
      return `<node name="${escapeXml(name)}" id="${escapeXml(name)}" online="${isOnline}" standby="${has(this.standby, name)}" maintenance="false" pending="${has(this.pending, name)}" unclean="${has(this.unclean, name)}" type="${this.remotes.has(name) ? 'remote' : 'member'}"/>`;
    });
    // One that is being tried reads as started after a few seconds; only its history tells (seen from 2.0.5 to 3.0.3).
    const role = (name: string) =>
      this.lost.has(name) && !this.connecting.has(name) ? 'Stopped' : 'Started';
    const histories = [...this.connecting].map(
      (name) =>
        `<resource_history id="${escapeXml(name)}"><operation_history call="-1" task="start" rc="193"/></resource_history>`,
    );
    const connections = [...this.remotes].map(
      (name) =>
        `<resource id="${escapeXml(name)}" resource_agent="ocf:pacemaker:remote" role="${role(name)}"/>`,
    );
    const dc = this.hasDc ? `present="true" name="ctl0" with_quorum="${this.hasQuorum}"` : 'present="false"';
    const body = `<summary><stack type="corosync"/><current_dc ${dc}/></summary><nodes>${nodes.join('\n')}</nodes><resources>${connections.join('')}</resources><node_history><node name="ctl0">${histories.join('')}</node></node_history>`;
    return done(
      isNew
        ? `<pacemaker-result api-version="2.38" request="crm_mon">\n${body}\n<status code="0" message="OK"/></pacemaker-result>\n`
        : `<?xml version="1.0"?>\n<crm_mon version="1.1.18">\n${body}\n</crm_mon>\n`,
    );
  }

  /** Membership as the version writes it; nobody is to make anything of it. */
  #membership(name: string): string {
    const isThere = ![this.lost, this.unclean, this.connecting].some((set) => set.has(name));
    if (!this.manners.membershipIsTime) return `${isThere}`;
    return isThere && !this.remotes.has(name) ? '1795224191' : '0';
  }

  #status(): string {
    const states = [...new Set([...this.nodes.keys(), ...this.remotes])].map((name) => {
      const resources = (this.active.get(name) ?? []).map(
        (type) =>
          `<lrm_resource id="r" class="ocf" provider="openstack" type="${type}"><lrm_rsc_op operation="start"/></lrm_resource>`,
      );
      return `<node_state id="${name}" uname="${name}" in_ccm="${this.#membership(name)}">${resources.join('')}</node_state>`;
    });
    return `<status>\n${states.join('\n')}\n</status>\n`;
  }

  #noCib(tool: string): CommandResult {
    return failed(
      this.manners.disconnected,
      `${tool}: Could not connect to the CIB: Transport endpoint is not connected`,
    );
  }
}

export const done = (stdout: string): CommandResult => ({ exitCode: 0, stdout, stderr: '' });

export const failed = (exitCode: number, stderr: string): CommandResult => ({
  exitCode,
  stdout: '',
  stderr: `${stderr}\n`,
});

function option(args: readonly string[], flag: string): string | undefined {
  const at = args.indexOf(flag);
  return at < 0 ? undefined : args[at + 1];
}
