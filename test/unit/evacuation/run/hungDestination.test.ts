import { afterEach, describe, expect, test, vi } from 'vitest';
import { Scene } from '../scene.ts';

vi.setConfig({ testTimeout: 120_000 });

let scene = new Scene();
afterEach(() => {
  expect(scene.violations).toEqual([]);
});

const hosts = ['comp1', 'comp2', 'comp3', 'comp4'];
/** Nothing that was begun there ends: its libvirt or its storage hangs, and its nova-compute goes on reporting. */
const never = 1_000_000_000;

/** comp0 dies with its instances; the others take them, all alike. */
async function failed(instances: number, prepare: () => void = () => undefined): Promise<void> {
  scene = new Scene(4, { nodes: ['comp0', ...hosts] });
  for (const host of hosts) scene.host(host).capacity.MEMORY_MB = 4_000_000;
  scene.bootSome(instances);
  prepare();
  await scene.fence('comp0');
}

/** How many evacuations to a host are not at their end. */
function hangingOn(host: string): number {
  return scene.records.filter((one) => one.destHost === host && one.status === 'pre-migrating').length;
}

/** Passes until nothing is left on comp0 but what hangs; how long that takes, in ms. */
async function untilOnlyHangs(pass: (number: number) => Promise<unknown>): Promise<number> {
  const begunAt = scene.time.now();
  let number = 0;
  while (scene.left('comp0').length > hosts.reduce((sum, host) => sum + hangingOn(host), 0)) {
    if (scene.time.now() - begunAt > 1_800_000) break;
    await pass(number++);
    await scene.time.pass(10_000);
  }
  return scene.time.now() - begunAt;
}

const oneOfFour = () => Object.assign(scene.host('comp1'), { spawn: never });

describe('one destination of four that takes instances and finishes none', () => {
  test('costs a minute, not hours, and is sent no more', async () => {
    await failed(200);
    const well = await untilOnlyHangs(() => scene.outcome());
    await failed(200, oneOfFour);
    const bad = await untilOnlyHangs(() => scene.outcome(scene.ctl0, { timeoutMs: 120_000 }));
    expect(bad).toBeLessThan(well + 90_000);
    expect(scene.left('comp0')).toHaveLength(hangingOn('comp1'));
    expect(hangingOn('comp1')).toBeLessThanOrEqual(2 * 16);
    expect(scene.requestsPerInstance().every((count) => count === 1)).toBe(true);
  });

  test('is named, in the log, where the host stands, and in the result', async () => {
    await failed(100, oneOfFour);
    const first = await scene.outcome(scene.ctl0, { timeoutMs: 120_000 });
    const said = /comp1 has finished none of its \d+ evacuations since .+, while other hosts/;
    expect(scene.logged('comp1 has finished none').filter((line) => line.startsWith('warn'))).toHaveLength(1);
    expect(scene.progress.filter((line) => said.test(line))).not.toEqual([]);
    expect(first.sentence).toMatch(said);
  });

  test('passes of seconds on two controllers, none of which has notes, decide the same', async () => {
    await failed(200, oneOfFour);
    await untilOnlyHangs((number) => {
      const controller = number % 2 === 0 ? scene.ctl0 : scene.ctl1;
      controller.hints = '';
      return scene.outcome(controller, { timeoutMs: 30_000 });
    });
    expect(scene.left('comp0')).toHaveLength(hangingOn('comp1'));
    expect(hangingOn('comp1')).toBeLessThanOrEqual(2 * 16);
  });

  test('hangs for every failed host, each of which has one instance', async () => {
    const many = Array.from({ length: 40 }, (_, index) => `dead${index}`);
    scene = new Scene(4, { nodes: [...many, ...hosts] });
    for (const host of hosts) scene.host(host).capacity.MEMORY_MB = 4_000_000;
    for (const [index, node] of many.entries()) scene.boot(`i${index}`, node);
    oneOfFour();
    for (const node of many) await scene.fence(node);
    const running = scene.begin(scene.ctl0);
    await scene.time.pass(120_000);
    const left = many.flatMap((node) => scene.left(node));
    expect(left).toHaveLength(hangingOn('comp1'));
    running.kill();
  });
});

describe('the emptiest destination, which Nova chooses each time', () => {
  const others = (hold: number) => () => {
    oneOfFour();
    // One that has to keep its disk goes where others found theirs, or where Nova chooses.
    scene.configure({ noSharedStorage: true });
    for (const host of hosts.slice(1)) scene.host(host).capacity.MEMORY_MB = hold * 128;
  };

  test('is found out although nothing was tried elsewhere', async () => {
    await failed(100, others(100));
    expect(await untilOnlyHangs(() => scene.outcome())).toBeLessThan(180_000);
    expect(hangingOn('comp1')).toBeLessThanOrEqual(2 * 16);
    expect(scene.left('comp0')).toHaveLength(hangingOn('comp1'));
  });

  test('is sent no more than Nova bears where it alone has room', async () => {
    await failed(100, others(10));
    const { sentence } = await scene.outcome(scene.ctl0, { timeoutMs: 480_000 });
    expect(hangingOn('comp1')).toBeLessThanOrEqual(2 * 16);
    expect(scene.left('comp0')).toHaveLength(70);
    expect(sentence).toMatch(/comp1 has finished none of its \d+ evacuations since/);
  });
});

test('a destination on which every rebuild fails lowers nothing for the others, and is sent no more', async () => {
  await failed(200, () => {
    scene.spreads = true;
    scene.host('comp1').spawnFail = true;
  });
  await scene.outcome();
  expect(scene.left('comp0')).toEqual([]);
  expect(scene.logged('rebuilds failed')).toEqual([]);
  expect(scene.records.filter(({ status }) => status === 'failed').length).toBeLessThanOrEqual(16);
});
