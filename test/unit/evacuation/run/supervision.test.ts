import { afterEach, expect, test } from 'vitest';
import { failed } from '../../../simulators/world/fakePacemaker.ts';
import { refused, Scene } from '../scene.ts';

/** What goes wrong once, in one place, ends nobody's supervision: neither the pass's nor that of another host. */

let scene = new Scene();
afterEach(() => {
  expect(scene.violations).toEqual([]);
});

/** comp0 keeps a pass at work for minutes, `concurrency` instances at a time; comp1 is a small one. */
async function busy(instances: number): Promise<void> {
  scene = new Scene(4);
  scene.bootSome(instances);
  for (const id of late) scene.boot(id, 'comp1');
  scene.configure({ concurrency: 4 });
  await scene.fence('comp0');
}
const late = ['late0', 'late1', 'late2', 'late3'];
const firstAsked = () => Math.min(...late.flatMap((id) => scene.asked.get(id) ?? []));

/** The operator's word cannot be read, for `seconds` from the twentieth second on. */
function wordUnreadable(seconds: number, answer: () => never | ReturnType<typeof failed>): void {
  const from = scene.time.now() + 20_000;
  scene.pacemaker.intercept = (line) => {
    const isDue = scene.time.now() >= from && scene.time.now() < from + seconds * 1000;
    return isDue && line.includes('--name=evacuation') ? answer() : null;
  };
}
const timedOut = () => failed(124, 'attrd_updater: Connection timed out');
const mistake = (): never => {
  throw new TypeError('undefined is not iterable');
};

/** The client throws nothing but NovaError; what else comes out of there is a mistake. */
const mistaken = (isStruck: (host: string) => boolean) =>
  scene.connectWith((nova) => ({
    listServers: async (filter, options) => {
      const servers = await nova.listServers(filter, options);
      return isStruck(filter.host) ? mistake() : servers;
    },
  }));

test.each([
  ['a tool that fails', timedOut],
  ['a mistake of ours', mistake],
])('%s for eight seconds: a pause that comes later is heeded', async (_, answer) => {
  await busy(400);
  wordUnreadable(8, answer);
  const pass = scene.begin();
  await scene.time.pass(40_000);
  scene.say('', 'pause');
  const pausedAt = scene.time.now();
  await scene.end(pass);
  const asked = [...scene.asked.values()].flat();
  expect(asked.some((at) => at > pausedAt - 10_000)).toBe(true);
  expect(asked.filter((at) => at > pausedAt + 15_000)).toEqual([]);
});

test.each([
  ['a tool that fails', timedOut],
  ['a mistake of ours', mistake],
])('%s for eight seconds: a host that is fenced later is taken up', async (_, answer) => {
  await busy(400);
  wordUnreadable(8, answer);
  const pass = scene.begin();
  await scene.time.pass(30_000);
  await scene.fence('comp1');
  const fencedAt = scene.time.now();
  await scene.end(pass);
  expect(firstAsked() - fencedAt).toBeLessThan(30_000);
});

test.each([
  ['one wrong answer about a host', false],
  ['a mistake of ours', true],
])('%s: it is taken up again while the other host is at work', async (_, isOurs) => {
  await busy(200);
  await scene.fence('comp1');
  let isDue = true;
  const isStruck = (host: string) => {
    if (!isDue || host !== 'comp1') return false;
    isDue = false;
    return true;
  };
  scene.fault = ({ method, about }) =>
    !isOurs && method === 'listServers' && isStruck(about) ? refused(400, 'marker [x] not found') : null;
  const begun = scene.time.now();
  await scene.outcome(scene.ctl0, { connect: mistaken((host) => isOurs && isStruck(host)) });
  expect(isDue).toBe(false);
  expect(firstAsked() - begun).toBeLessThan(60_000);
});

test('a mistake of ours is named as that, with what happens next, and the rest of the pass goes on', async () => {
  await busy(20);
  await scene.fence('comp1');
  expect(await scene.outcome(scene.ctl0, { connect: mistaken((host) => host === 'comp1') })).toEqual({
    troubled: true,
    sentence:
      'evacuation of comp1 is held up: this agent has made a mistake, please report it (TypeError: undefined is not iterable); its mark is kept and it is tried again.',
  });
  expect(scene.mark('comp0')).toBe('no');
  expect(scene.mark('comp1')).not.toBe('no');
});

test('a machine that fails a second time while the pass is at work on another is evacuated by the same pass', async () => {
  await busy(400);
  await scene.fence('comp1');
  const pass = scene.begin();
  for (let seconds = 0; seconds < 60 && scene.mark('comp1') !== 'no'; seconds += 1)
    await scene.time.pass(1_000);
  expect(scene.mark('comp1')).toBe('no');
  scene.site.boot('comp1');
  await scene.time.until(scene.comeBack('comp1').outcome);
  scene.boot('born', 'comp1');
  await scene.fence('comp1');
  const fencedAt = scene.time.now();
  await scene.end(pass);
  const [asked] = scene.asked.get('born') ?? [];
  expect((asked ?? Number.POSITIVE_INFINITY) - fencedAt).toBeLessThan(45_000);
});
