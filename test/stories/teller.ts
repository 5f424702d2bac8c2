import { setKnobs } from '../simulators/cloud/knobs.ts';
import { changeHost } from '../simulators/cloud/scenario.ts';
import type { Controller } from '../simulators/world/controller.ts';
import { failed } from '../simulators/world/fakePacemaker.ts';
import { type BegunPass, Life } from '../simulators/world/life.ts';
import type { ToolTrouble } from '../simulators/world/tools.ts';
import { Chronicle } from './chronicle.ts';
import { duration, number, serviceName, Words, withParameters } from './words.ts';

/** Has happen what a story's commands say (README.md lists them), and tells what came of each. */
export class Teller {
  #life: Life | null = null;
  #chronicle: Chronicle | null = null;
  #pass: BegunPass | null = null;
  readonly #novaComputes = new Map<string, () => void>();

  get life(): Life {
    this.#life ??= new Life();
    this.#chronicle ??= new Chronicle(this.#life);
    return this.#life;
  }

  /** What came of a command, in lines; of what is done `quietly` its result alone. */
  async play(line: string): Promise<string[]> {
    const [, isQuiet, command = ''] = /^(quietly )?(.*)$/s.exec(line) ?? [];
    const words = new Words(command);
    const does = commands[words.verb];
    if (does === undefined) throw new Error(`there is no command "${words.verb}"`);
    const said = await does(this, words);
    words.refuseRest();
    const told = this.#chronicle?.takeLines() ?? [];
    return [...(isQuiet === undefined ? told : []), ...(Array.isArray(said) ? said.map(String) : [])];
  }

  build(nodes: readonly string[], domain: string, seed: number): void {
    if (this.#life !== null) throw new Error('the data centre is there already');
    this.#life = new Life({ ...(nodes.length === 0 ? {} : { nodes }), domain, seed });
    this.#chronicle = new Chronicle(this.#life);
  }

  controller(name: string | null): Controller {
    if (name !== null && name !== 'ctl0' && name !== 'ctl1') throw new Error(`${name} is no controller`);
    return this.life[name ?? 'ctl0'];
  }

  beginPass(controller: Controller): void {
    this.#pass = this.life.begin(controller);
  }

  takePass(): BegunPass {
    const pass = this.#pass;
    if (pass === null) throw new Error('no pass was begun');
    this.#pass = null;
    return pass;
  }

  novaCompute(node: string): void {
    this.endNovaCompute(node);
    this.#novaComputes.set(node, this.life.novaCompute(node));
  }

  endNovaCompute(node: string): void {
    this.#novaComputes.get(node)?.();
    this.#novaComputes.delete(node);
  }

  note(who: string, what: string): void {
    this.#chronicle?.note(who, () => what);
  }

  /** Where everything is, as it really is. */
  look(): string[] {
    const { world } = this.life.site.cloud;
    const hosts = [...world.hosts.values()]
      .filter((host) => host.forcedDown || host.disabled || !host.powered || !host.alive)
      .map((host) => {
        const words = [
          host.powered ? 'on' : 'off',
          ...(host.alive ? [] : ['no nova-compute']),
          ...(host.forcedDown ? ['forced down'] : []),
          ...(host.disabled ? [`disabled: ${host.disabledReason ?? 'no reason'}`] : []),
        ];
        return `${host.name}: ${words.join(', ')}`;
      });
    const servers = [...world.servers.values()].map((server) => {
      const runs = this.life.runsOn(server).join(' and ');
      const where = runs === server.host ? 'runs there' : runs === '' ? 'does not run' : `runs on ${runs}`;
      const more = [
        ...(server.taskState === null ? [] : [server.taskState]),
        ...(server.locked ? ['locked'] : []),
      ];
      return [
        server.name,
        `${[server.vmState, ...more].join(', ')} on ${server.host ?? 'none'}, ${where}`,
      ] as const;
    });
    // Many that fare alike are one line.
    const alike = new Map<string, string[]>();
    for (const [name, how] of servers) alike.set(how, [...(alike.get(how) ?? []), name]);
    return [
      ...hosts,
      ...[...alike].map(([how, names]) => {
        return `${names.length > 3 ? `${names.length} instances` : names.join(', ')}: ${how}`;
      }),
    ].map((line) => this.#chronicle?.readable(line) ?? line);
  }
}

type Command = (teller: Teller, words: Words) => Promise<unknown> | unknown;

const commands: Readonly<Record<string, Command>> = {
  // What is there.
  cloud: (teller, words) => {
    const domain = words.take('domain') ?? '';
    const seed = number(words.take('seed') ?? '1');
    teller.build(words.plain(), domain, seed);
  },
  knobs: ({ life }, words) => setKnobs(life.site.cloud.world.knobs, words.takeAll()),
  servers: ({ life }, words) => {
    life.addServers({ name: words.next('a name'), ...words.takeWish() });
  },
  host: ({ life }, words) => changeHost(life.site.cloud.world, words.next('a host'), words.takeWish()),
  parameters: ({ life }, words) => {
    life.configuration = withParameters(life.configuration, words.takeAll());
  },

  // What the agents do.
  pass: async (teller, words) => {
    const outcome = await teller.life.pass(teller.controller(words.maybe()));
    if (outcome === null) return ['not begun: another pass holds the lock'];
    return [ending(outcome)];
  },
  passes: async (teller, words) => {
    const most = number(words.next('a number'));
    const outcomes = await teller.life.passes(most, teller.controller(words.maybe()));
    return [`${outcomes.length} ${outcomes.length === 1 ? 'pass' : 'passes'}`];
  },
  'begin-pass': (teller, words) => teller.beginPass(teller.controller(words.maybe())),
  'end-pass': async (teller) => {
    const outcome = await teller.life.site.time.until(teller.takePass().outcome);
    return outcome === null ? ['not begun: another pass holds the lock'] : [ending(outcome)];
  },
  'kill-pass': (teller) => teller.takePass().kill(),
  monitors: (teller, words) => {
    const what = words.next('a controller or "end"');
    if (what === 'end') teller.life.stopMonitors();
    else teller.life.monitorFrom(teller.controller(what));
  },
  NovaCompute: (teller, words) => teller.novaCompute(words.next('a node')),
  start: async ({ life }, words) => {
    const node = words.next('a node');
    const running = life.comeBack(node, {
      startBy: life.site.clocks.now(node) + duration(words.take('within') ?? '200s'),
      releaseMs: duration(words.take('release') ?? '120s'),
    });
    const outcome = await life.site.time.until(running.outcome);
    return [`${outcome.kind}: ${outcome.sentence ?? 'nothing to say'}`];
  },
  unfence: async ({ life }, words) => [
    `fence_compute on: ${await life.fenceCompute('on', words.next('a node'))}`,
  ],

  // What happens to machines.
  fence: async (teller, words) => {
    const node = words.next('a node');
    teller.endNovaCompute(node);
    await teller.life.fence(node);
  },
  lose: (teller, words) => {
    const node = words.next('a node');
    teller.endNovaCompute(node);
    teller.life.lose(node);
  },
  boot: ({ life }, words) => life.site.boot(words.next('a node')),
  'start-nova-compute': ({ life }, words) => life.site.startCompute(words.next('a node')),
  'stop-nova-compute': ({ life }, words) =>
    life.site.cloud.world.killCompute(life.site.hostName(words.next('a node')), { power: true }),
  freeze: ({ life }, words) => life.site.cloud.world.freezeCompute(words.next('a host')),
  thaw: ({ life }, words) => life.site.cloud.world.thawCompute(words.next('a host')),
  wait: ({ life }, words) => life.site.time.pass(duration(words.next('how long'))),
  'wait-for': ({ life }, words) => waitFor(life, words),

  // What goes wrong.
  down: ({ life }, words) => {
    life.site.network.closed.add(serviceName(words.next('a service')));
  },
  up: ({ life }, words) => {
    life.site.network.closed.delete(serviceName(words.next('a service')));
  },
  conductor: ({ life }, words) => {
    const { conductor } = life.site.cloud.world;
    if (words.next('stop or start') === 'stop') conductor.stop();
    else conductor.start();
  },
  fault: ({ life }, words) => {
    life.site.cloud.faults.add(words.takeWish());
  },
  'no-faults': ({ life }) => life.site.cloud.faults.clear(),
  tool: ({ life }, words) => spoil(life, words),
  cluster: ({ life }, words) => {
    const what = words.plain().join(' ');
    const { pacemaker } = life.site;
    if (what === 'without quorum') pacemaker.hasQuorum = false;
    else if (what === 'without DC') pacemaker.hasDc = false;
    else if (what === 'stops') pacemaker.running = false;
    else if (what === 'is well') Object.assign(pacemaker, { hasQuorum: true, hasDc: true, running: true });
    else throw new Error(`the cluster is not ${what}`);
  },
  connecting: ({ life }, words) => {
    const node = words.next('a node');
    life.site.pacemaker.lost.delete(node);
    life.site.pacemaker.connecting.add(node);
  },
  runs: ({ life }, words) => {
    life.site.pacemaker.active.set(words.next('a node'), [words.next('a type of resource')]);
  },
  purge: ({ life }, words) => life.site.pacemaker.purge(words.next('a node')),

  // What operators do.
  mark: ({ life }, words) => {
    const name = words.next('a node');
    const value = words.next('a value').replace(/@now$/, `@${Math.floor(life.site.time.now() / 1000)}`);
    life.setMark(name, value, words.take('permanent') ?? undefined);
  },
  pause: ({ life }, words) => life.say(words.maybe() ?? '', 'pause'),
  go: ({ life }, words) => life.say(words.maybe() ?? '', 'go'),
  resume: ({ life }, words) => life.say(words.maybe() ?? '', null),
  delete: ({ life }, words) => life.site.cloud.world.deleteServer(life.server(words.next('a server'))),

  'evacuate-by-hand': ({ life }, words) => {
    const { world } = life.site.cloud;
    const by = { userId: 'the-operator', projectId: 'admin', requestId: 'req-operator' };
    for (const name of words.plain()) world.evacuate(life.server(name), {}, by);
  },

  /** The numbers of instances in sentences are not held against the truth: a host that is marked anew counts older ones. */
  'counts-unjudged': ({ life }) => {
    life.judgesCounts = false;
  },

  // What can be seen.
  look: (teller) => teller.look(),
  /** Whether anything was asked of any service since this was asked last. */
  requests: ({ life }) => {
    const { requests } = life.site.cloud;
    const services = new Set(requests.entries.map(({ service }) => service));
    requests.clear();
    return [services.size === 0 ? 'none' : [...services].sort().join(', ')];
  },
};

/** Of what a monitor ended with; its sentence was told when it was said. */
function ending({ troubled, sentence }: { troubled: boolean; sentence: string | null }): string {
  const result = troubled ? 'degraded' : 'well';
  return sentence === null ? `${result}, nothing is open` : result;
}

/** Until the first evacuation to a host, or to any, is under way there. */
async function waitFor(life: Life, words: Words): Promise<void> {
  const what = words.next('what');
  if (what !== 'evacuation') throw new Error(`nobody waits for ${what}`);
  const to = words.take('to');
  const { migrations } = life.site.cloud.world;
  const isThere = () =>
    migrations.some(({ status, destHost }) => status === 'pre-migrating' && (to === null || destHost === to));
  for (let look = 0; !isThere(); look += 1) {
    if (look === 1_000) throw new Error('nothing was evacuated');
    await life.site.time.pass(100);
  }
}

/** The next so many calls of a tool, all unless they are counted, go wrong. */
function spoil(life: Life, words: Words): void {
  const tool = words.next('a tool');
  const how = words.next('how');
  const times = number(words.take('times') ?? '1000000');
  const troubles: Readonly<Record<string, ToolTrouble>> = {
    fails: { answer: failed(1, `${tool}: Error`) },
    hangs: { hangs: 'before' },
    'is-slow': { lateMs: 5_000 },
    works: {},
  };
  const trouble = troubles[how];
  if (trouble === undefined) throw new Error(`no tool ${how}`);
  let left = times;
  life.site.tools.trouble = (called) => {
    if (called !== tool || left === 0) return {};
    left -= 1;
    return trouble;
  };
}
