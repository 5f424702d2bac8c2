import type { NovaClient } from '@openstack-ts/nova-client';
import type { PassOptions, PassOutcome, Policy } from '../../../lib/evacuation/index.ts';
import type { FaultAction } from '../../simulators/cloud/faults.ts';
import type { Migration, Server } from '../../simulators/cloud/model.ts';
import { changeServer } from '../../simulators/cloud/scenario.ts';
import type { Configuration } from '../../simulators/world/controller.ts';
import { type BegunPass, Life, type LifeOptions } from '../../simulators/world/life.ts';
import { type Question, questionOf } from '../../simulators/world/questions.ts';
import type { Process } from '../../simulators/world/virtualTime.ts';

/** The policy of an installation that has none. */
export const everyone: Policy = {
  include: [],
  exclude: [],
  priorities: [],
  otherStates: 'leave',
  noImageTags: false,
};

/** A question of the client, and how many of its method had come in before. */
export interface Call extends Question {
  readonly index: number;
}

export type Wish = Readonly<Record<string, unknown>>;

/**
 * A life in the simulated world with what the tests of the engine want beside it: instances with short ids, what was asked
 * of Nova and when, what was logged, and faults that are decided as it goes.
 */
export class Scene extends Life {
  /** Every line of every log, as `level sentence`. */
  readonly log: string[] = [];
  /** Writes of the transient mark, as `comp0=yes`. */
  readonly writes: string[] = [];
  /** Requests to evacuate by instance, as they were sent. */
  readonly asked = new Map<string, number[]>();
  /** What goes wrong with one request of a question; null: nothing. */
  fault: (call: Call) => FaultAction | null = () => null;
  /** Nova chooses another host each time, by lot; else the one with the most memory left, which may be the same for ever. */
  spreads = false;
  /** How many evacuations Nova had accepted and not finished at most. */
  inFlightMax = 0;
  /** What passes are given instead of what the configuration and the site have. */
  more: Partial<PassOptions> = {};
  readonly #counts = new Map<string, number>();

  constructor(seed = 1, options: Omit<LifeOptions, 'seed'> = {}) {
    super({ seed, ...options });
    const { site } = this;
    // As fast and as slow as it comes.
    site.latency = () => 10 + site.random() * 40;
    this.tell = (_who, line) => {
      const [, level = '', sentence = ''] = /^(\w+): (.*)$/s.exec(line) ?? [];
      if (level !== 'ended' && level !== 'fails') this.log.push(`${level} ${sentence}`);
    };
    site.sent = ({ url, body }) => {
      const [, id] = /\/servers\/([^/]+)\/action$/.exec(url.pathname) ?? [];
      if (id === undefined || body?.startsWith('{"evacuate"') !== true) return;
      this.asked.set(id, [...(this.asked.get(id) ?? []), this.time.now()]);
    };
    site.cloud.faults.decide = (request) => {
      const query = request.query.toString();
      const question = questionOf(site.cloud, {
        ...request,
        path: query === '' ? request.path : `${request.path}?${query}`,
      });
      if (question === null) return null;
      const index = this.#counts.get(question.method) ?? 0;
      this.#counts.set(question.method, index + 1);
      if (question.method === 'evacuate' && this.spreads) this.#prefer(index);
      const fault = this.fault({ ...question, index });
      if (question.method === 'evacuate' && fault === null) {
        this.inFlightMax = Math.max(this.inFlightMax, this.cloud.conductor.inFlight + 1);
      }
      return fault;
    };
    const run = site.pacemaker.run;
    Object.assign(site.pacemaker, {
      run: (...[tool, args]: Parameters<typeof run>) => {
        if (args.includes('-U')) this.writes.push(`${args[args.indexOf('-N') + 1]}=${args.at(-1)}`);
        return run(tool, args);
      },
    });
  }

  /** One of the hosts that Nova may choose gets the most memory. */
  #prefer(index: number): void {
    const all = [...this.cloud.hosts.values()].filter((host) => !host.disabled && this.cloud.isUp(host));
    const one = all[Math.floor(this.site.random() * all.length)];
    if (one !== undefined) one.capacity.MEMORY_MB = 900_000 + index;
  }

  get time() {
    return this.site.time;
  }

  get pacemaker() {
    return this.site.pacemaker;
  }

  get cloud() {
    return this.site.cloud.world;
  }

  /** An instance `id` that is called `name-of-id`; `wish` as a scenario has it. */
  boot(id: string, node = 'comp0', wish: Wish = {}): Server {
    const [server] = this.addServers({ id, name: `name-of-${id}`, host: this.hostName(node), ...wish });
    if (server === undefined) throw new Error(`${id} was not made`);
    return server;
  }

  /** i0, i1 … on a node. */
  bootSome(count: number, node = 'comp0', prefix = 'i'): void {
    for (let index = 0; index < count; index += 1) this.boot(`${prefix}${index}`, node);
  }

  /** A name of a node, or of a host that is no node's. */
  hostName(node: string): string {
    return this.cloud.hosts.has(node) ? node : this.site.hostName(node);
  }

  host(node: string) {
    return this.cloud.host(this.hostName(node));
  }

  /** Disabled by an operator before anything happened, or enabled. */
  setEnabled(node: string, enabled: boolean, reason: string | null = null): void {
    Object.assign(this.host(node), { disabled: !enabled, disabledTrait: !enabled, disabledReason: reason });
  }

  /** A machine loses its power, and the cluster does not know of it as a node. */
  powerOff(node: string): void {
    this.cloud.killCompute(this.hostName(node), { power: false });
  }

  changeServer(id: string, wish: Wish): void {
    changeServer(this.cloud, id, wish);
  }

  /** How often each was asked for. */
  requestsPerInstance(): number[] {
    return [...this.asked.values()].map((times) => times.length);
  }

  /** How many evacuations of each Nova has accepted. */
  recordsPerInstance(): number[] {
    const ids = [...this.cloud.servers.keys()].filter((id) => this.cloud.migrationsOf(id).length > 0);
    return ids.map((id) => this.cloud.migrationsOf(id).length);
  }

  /** What was asked by the client's names, as `listServers comp0`. */
  get calls(): string[] {
    return this.site.cloud.requests.entries.flatMap((entry) => {
      const question = questionOf(this.site.cloud, entry);
      if (question === null) return [];
      return question.about === '' ? question.method : `${question.method} ${question.about}`;
    });
  }

  forgetCalls(): void {
    this.site.cloud.requests.clear();
  }

  /** The records of evacuations. */
  get records(): readonly Migration[] {
    return this.cloud.migrations.filter(({ type }) => type === 'evacuation');
  }

  /** Ids of the instances that Nova has on a node. */
  left(node: string): string[] {
    const host = this.hostName(node);
    return [...this.cloud.servers.values()].filter((server) => server.host === host).map(({ id }) => id);
  }

  /** An evacuation that somebody asked for before, as Nova has it in its records. */
  addRecord(
    id: string,
    { status, destHost = null, tookMs = 0 }: { status: string; destHost?: string | null; tookMs?: number },
  ): Migration {
    const record = this.cloud.addMove(this.server(id), { type: 'evacuation', status, destHost });
    record.updatedAt = record.createdAt + tookMs;
    return record;
  }

  /** What was against a rule for a reason that a test names: taken off the list. */
  forgive(pattern: RegExp): void {
    const { violations } = this.observer;
    const left = violations.filter(({ rule, sentence }) => !pattern.test(`${rule}: ${sentence}`));
    violations.splice(0, violations.length, ...left);
  }

  get progress(): string[] {
    return this.site.told.flatMap((line) => /^evacuation-(.*)$/s.exec(line)?.[1] ?? []);
  }

  get events() {
    return this.site.events;
  }

  /** Lines of the log that contain a text. */
  logged(text: string): string[] {
    return this.log.filter((line) => line.includes(text));
  }

  /** It loses its power and is marked, and Nova is not told. */
  fenceUntold(node: string): void {
    this.lose(node);
    this.pacemaker.noteFencing(node, this.time.now());
    this.pacemaker.unclean.delete(node);
    this.setMark(node, 'yes', 'yes');
    this.observer.fenced(this.site.hostName(node));
  }

  /** Somebody else asks Nova for all of a node's instances. */
  evacuateByHand(node = 'comp0'): void {
    const by = { userId: 'the-operator', projectId: 'admin', requestId: 'req-operator' };
    for (const id of this.left(node)) this.cloud.evacuate(this.server(id), {}, by);
  }

  configure(changes: Partial<Configuration>): void {
    this.configuration = { ...this.configuration, ...changes };
  }

  newProcess(machine = 'ctl0'): Process {
    return this.site.newProcess(machine);
  }

  client(process = this.newProcess()): Promise<NovaClient> {
    return this.time.until(this.site.connectFor(process, 'ctl0')(Number.POSITIVE_INFINITY));
  }

  /** Logs in, and has some of the client's questions answered otherwise: what the wire cannot do, as a mistake of ours. */
  connectWith(change: (nova: NovaClient) => Partial<NovaClient>): (deadline: number) => Promise<NovaClient> {
    return async (deadline) => {
      const nova = await this.site.connectFor(this.newProcess(), 'ctl0')(deadline);
      return Object.assign(Object.create(nova), change(nova));
    };
  }

  override begin(controller = this.ctl0, more: Partial<PassOptions> = {}): BegunPass {
    return super.begin(controller, { ...this.more, ...more });
  }

  /** The end of a pass that nobody kills. */
  async end({ outcome }: BegunPass): Promise<PassOutcome> {
    return whole(await this.time.until(outcome));
  }

  /** One whole pass, which nobody kills. */
  async outcome(controller = this.ctl0, more: Partial<PassOptions> = {}): Promise<PassOutcome> {
    return whole(await this.pass(controller, more));
  }
}

export function whole(outcome: PassOutcome | null): PassOutcome {
  if (outcome === null) throw new Error('the pass was not begun, or was killed');
  return outcome;
}

/** Nova refuses, in its own words; 501 is what the client does not try again by itself. */
export function refused(status: number, message = 'boom', headers: Record<string, string> = {}): FaultAction {
  return { status, headers, json: { computeFault: { code: status, message } } };
}

/** No answer ever; done after `ms`, or never. */
export function unanswered(doneAfterMs: number | null): FaultAction {
  return doneAfterMs === null ? { hang: true } : { hang: true, effect: true, delayMs: doneAfterMs };
}
