import { describe, expect, test } from 'vitest';
import type { PassOptions } from '../../../../lib/evacuation/index.ts';
import type { Controller } from '../../../simulators/world/controller.ts';
import { refused, Scene } from '../scene.ts';

/** What happens before and between passes; a pass of each of these controllers in turn. */
interface Shape {
  readonly what: string;
  readonly begin: (scene: Scene) => Promise<void>;
  readonly before?: (scene: Scene, pass: number) => void;
  readonly controllers?: (scene: Scene) => readonly Controller[];
  readonly options?: Partial<PassOptions>;
  readonly passes?: number;
  /** The order in which instances are first asked for, where it is what the shape is about. */
  readonly order?: readonly string[];
}

const minute = 60_000;

function boot(scene: Scene, host: string, ...ids: string[]): void {
  for (const id of ids) scene.boot(id, host);
}

function refuse(scene: Scene, ...which: string[]): void {
  scene.fault = ({ method, about }) =>
    method === 'evacuate' && which.includes(about) ? refused(400, 'not this one') : null;
}

const limits = (maxHostsAtOnce: number) => ({
  maxFailedPercent: 100,
  maxFailedPerAggregate: 0,
  maxHostsAtOnce,
});
const settings = (concurrency: number): PassOptions['settings'] => ({
  ...{ concurrency, onSharedStorage: true, evacuateDelayMs: 0 },
  earlyReturn: 'release',
});

const shapes: readonly Shape[] = [
  {
    what: 'two of five are refused again and again, until they are given up',
    begin: async (scene) => {
      boot(scene, 'comp0', 'a', 'b', 'c', 'd', 'e');
      refuse(scene, 'b', 'd');
      await scene.fence('comp0');
    },
    passes: 60,
  },
  {
    what: 'one is refused for the state that it is in',
    begin: async (scene) => {
      boot(scene, 'comp0', 'a', 'b', 'slow');
      scene.staying.set('b', 'its state');
      scene.fault = ({ method, about, index }) => {
        if (method !== 'evacuate') return null;
        const words = "Cannot 'evacuate' instance b while it is in vm_state soft-delete";
        if (about === 'b') return refused(409, words);
        // Something keeps the host open for some passes.
        return about === 'slow' && index < 6 ? refused(400, 'not now') : null;
      };
      await scene.fence('comp0');
    },
  },
  {
    what: 'one request is answered by nobody, and Nova carries it out late',
    begin: async (scene) => {
      boot(scene, 'comp0', 'a', 'b', 'c');
      scene.fault = ({ method, about, index }) =>
        method === 'evacuate' && about === 'b' && index < 3 ? { delayMs: 40_000, reset: 'after' } : null;
      await scene.fence('comp0');
    },
    options: { timeoutMs: 12_000 },
  },
  {
    what: 'the disks lie on the dead host',
    begin: async (scene) => {
      scene.cloud.knobs.sharedStorage = false;
      boot(scene, 'comp0', 'a', 'b', 'c', 'd', 'e', 'f');
      scene.boot('v', 'comp0', { image: null });
      await scene.fence('comp0');
    },
    options: { settings: settings(2) },
  },
  {
    what: 'one arrived with its disk; the host that is left then does not see the storage, and one alone is given up',
    begin: async (scene) => {
      boot(scene, 'comp0', 'a', 'b', 'c');
      scene.setEnabled('comp3', false);
      await scene.fence('comp0');
    },
    before: (scene, pass) => {
      if (pass !== 1) return;
      scene.setEnabled('comp3', true);
      scene.host('comp3').sharedStorage = false;
      scene.setEnabled('comp1', false);
      scene.setEnabled('comp2', false);
    },
    options: { settings: settings(1), timeoutMs: 12_000 },
    passes: 40,
  },
  {
    what: 'some were off, and Nova takes them for broken',
    begin: async (scene) => {
      boot(scene, 'comp0', 'a', 'b');
      for (const id of ['off', 'broken', 'other']) {
        scene.boot(id, 'comp0', { state: 'stopped' });
      }
      scene.host('comp1').spawnFail = true;
      await scene.fence('comp0');
    },
  },
  {
    what: 'each pass is on the other controller',
    begin: async (scene) => {
      boot(scene, 'comp0', 'a', 'b', 'c', 'd', 'e');
      refuse(scene, 'c');
      await scene.fence('comp0');
    },
    controllers: (scene) => [scene.ctl0, scene.ctl1],
    passes: 40,
  },
  {
    what: 'a destination dies and is back between two passes',
    begin: async (scene) => {
      boot(scene, 'comp0', 'a', 'b', 'c', 'd', 'e', 'f');
      await scene.fence('comp0');
      scene.time.after(2_500, () => void scene.fencing('comp1'));
    },
    options: { settings: settings(3) },
    passes: 60,
  },
  {
    what: 'the machine is back in mid-evacuation',
    begin: async (scene) => {
      boot(scene, 'comp0', 'a', 'b', 'c', 'd', 'e');
      refuse(scene, 'e');
      await scene.fence('comp0');
    },
    before: (scene, pass) => {
      if (pass !== 2) return;
      scene.site.boot('comp0');
      scene.site.startCompute('comp0');
    },
    options: { release: 'on', settings: settings(2), timeoutMs: 120_000 },
    passes: 40,
  },
  {
    what: 'one host at a time, and the one that was begun is not the first that failed',
    begin: async (scene) => {
      boot(scene, 'comp0', 'a1', 'a2', 'a3', 'a4', 'a5', 'a6');
      boot(scene, 'comp1', 'b1', 'b2', 'b3', 'b4', 'b5', 'b6');
      scene.say('comp0', 'pause');
      await scene.fence('comp0');
      scene.time.after(1_000, () => void scene.fencing('comp1'));
    },
    before: (scene, pass) => {
      if (pass === 2) scene.say('comp0', null);
    },
    options: { limits: limits(1), settings: settings(1), timeoutMs: 16_000 },
    passes: 60,
  },
  {
    what: 'groups, whose first member is the one that leads them',
    begin: async (scene) => {
      const member = (id: string, group: string, priority: number) =>
        scene.boot(id, 'comp0', {
          metadata: { evacuation_group: group, evacuation_priority: String(priority) },
        });
      member('db1', 'db', 900);
      member('db2', 'db', 100);
      member('db3', 'db', 100);
      member('web1', 'app', 500);
      member('web2', 'app', 400);
      member('web3', 'app', 300);
      await scene.fence('comp0');
    },
    options: { settings: settings(1), timeoutMs: 12_000 },
    passes: 60,
    order: ['db1', 'db3', 'db2', 'web1', 'web2', 'web3'],
  },
  {
    what: 'no host has room, and then one has',
    begin: async (scene) => {
      scene.cloud.addFlavor('small', { memoryMb: 512 });
      scene.cloud.addFlavor('large', { memoryMb: 2_000 });
      scene.boot('big', 'comp0', { flavor: 'large' });
      boot(scene, 'comp0', 'a');
      for (const host of ['comp1', 'comp2', 'comp3']) scene.host(host).capacity.MEMORY_MB = 1_500;
      await scene.fence('comp0');
    },
    before: (scene, pass) => {
      if (pass === 12) scene.host('comp2').capacity.MEMORY_MB = 8_000;
    },
  },
];

/** What was decided, whatever the time and wherever Nova has sent them. */
async function decisions(shape: Shape, notes: 'kept' | 'lost'): Promise<Record<string, unknown>> {
  const scene = new Scene(3);
  await shape.begin(scene);
  if (shape.options?.limits !== undefined) scene.configure({ limits: shape.options.limits });
  const homes = new Map([...scene.cloud.servers].map(([id, { host }]) => [id, host]));
  const until = scene.time.now() + 30 * minute;
  for (let pass = 0; pass < (shape.passes ?? 30) && scene.time.now() < until; pass += 1) {
    shape.before?.(scene, pass);
    const controllers = shape.controllers?.(scene) ?? [scene.ctl0];
    const controller = controllers[pass % controllers.length] ?? scene.ctl0;
    await scene.outcome(controller, { timeoutMs: 40_000, ...shape.options });
    await scene.time.pass(10_000);
    if (notes === 'lost') for (const one of [scene.ctl0, scene.ctl1]) one.hints = '';
  }
  const first = [...scene.asked].sort(([, a], [, b]) => (a[0] ?? 0) - (b[0] ?? 0));
  return {
    asked: Object.fromEntries([...scene.asked].map(([id, times]) => [id, times.length]).sort()),
    // Which of two hosts has its turn when a pass ends while nothing of either moves is a matter of milliseconds.
    order: first.map(([id]) => id).sort((one, other) => home(homes, one).localeCompare(home(homes, other))),
    ends: Object.fromEntries(
      [...scene.cloud.servers].map(([id, server]) => [
        id,
        `${server.host === homes.get(id) ? 'stayed' : 'moved'} ${server.vmState}, runs on ${scene.runsOn(server).length}`,
      ]),
    ),
    marks: ['comp0', 'comp1'].map((name) => scene.mark(name)),
    said: [...new Set(scene.log.filter(isOutcome).map(kindOf))].sort(),
    violations: scene.violations,
  };
}

const home = (homes: ReadonlyMap<string, string | null>, id: string) => homes.get(id) ?? '';

const isOutcome = (line: string) => /^\w+ (Completed|Leaving|Stopping|Holding|Evacuation of name)/.test(line);
/** Without what differs by chance, and without Nova's words for a refusal, which only notes keep. */
const kindOf = (line: string) =>
  line
    .replace(/comp\d/g, 'HOST')
    .replace(/\d{4}-\d\d-\S+Z/g, 'TIME')
    .replace(/ \(req\S*\)/g, '')
    .replace(/Nova refused: [^;]+/, 'Nova refused: WORDS')
    .replace(/Cannot 'evacuate' instance .* soft-delete|Nova does not evacuate it as it is/, 'WORDS')
    .replace(/Nova refused to evacuate server \S+: WORDS \(HTTP 409\)/, 'WORDS');

describe('notes decide nothing: deleted between any two passes, what is asked for and what is left stays the same', () => {
  test.each(shapes)('$what', async (shape) => {
    const kept = await decisions(shape, 'kept');
    expect(kept['violations']).toEqual([]);
    if (shape.order !== undefined) expect(kept['order']).toEqual(shape.order);
    expect(await decisions(shape, 'lost')).toEqual(kept);
  });
});
