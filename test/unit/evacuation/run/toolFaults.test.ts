import { afterEach, describe, expect, test } from 'vitest';
import { failed } from '../../../simulators/world/fakePacemaker.ts';
import { Life } from '../../../simulators/world/life.ts';
import type { ToolTrouble } from '../../../simulators/world/tools.ts';

type ToolFault = 'fails' | 'answers nonsense' | 'hangs' | 'is slow';

/**
 * What may go wrong with any one call of Pacemaker's tools, in every action that uses them: each is done all the same, a
 * little later, and nothing is concluded from what is no answer.
 */
const faults: readonly ToolFault[] = ['fails', 'answers nonsense', 'hangs', 'is slow'];

let life = new Life();
afterEach(() => {
  expect(life.violations).toEqual([]);
});

const troubles: Readonly<Record<ToolFault, (tool: string) => ToolTrouble>> = {
  fails: (tool) => ({ answer: failed(1, `${tool}: Error`) }),
  'answers nonsense': (tool) => ({ answer: { exitCode: 0, stdout: '<no \0 xml', stderr: `${tool}: Error` } }),
  hangs: () => ({ hangs: 'before' }),
  'is slow': () => ({ lateMs: 5_000 }),
};

/** Calls of one tool, told apart by what they are to do. */
const isChange = (args: readonly string[]) =>
  args.some((arg) => /^(-U|-D|-v|--delete|--modify|--replace|-c|-C|-M)$/.test(arg));

function isCall(kind: string, tool: string, args: readonly string[]): boolean {
  const [name, what] = kind.split(' ');
  return tool === name && (what === undefined || isChange(args) === (what === 'change'));
}

/** The `nth` call of a kind goes wrong, from now on. */
function inject(kind: string, fault: ToolFault, nth: number): () => number {
  let calls = 0;
  life.site.tools.trouble = (tool, args) => {
    if (!isCall(kind, tool, args)) return {};
    calls += 1;
    return calls === nth ? troubles[fault](tool) : {};
  };
  return () => calls;
}

const cases = (kinds: readonly string[], calls: readonly number[]) =>
  kinds.flatMap((kind) => faults.flatMap((fault) => calls.map((nth) => [kind, fault, nth] as const)));

const host = () => life.site.host('comp0');
/** The lines of all logs. */
let log: string[] = [];

function cloud(): void {
  life = new Life();
  log = [];
  life.tell = (_who, line) => log.push(line);
  life.addServers({ name: 'vm', count: 3 });
}

async function evacuated(): Promise<void> {
  cloud();
  await life.fence('comp0');
  await life.passes(10);
  expect(life.mark('comp0')).toBe('no');
}

const queries = ['attrd_updater query', 'cibadmin query'];

describe('NovaEvacuate', () => {
  test.each(
    cases(
      [...queries, 'attrd_updater change', 'crm_attribute change', 'crm_mon', 'stonith_admin'],
      [1, 2, 3, 5],
    ),
  )('%s %s at call %d: everything is evacuated, once, and the mark ends as no', async (kind, fault, nth) => {
    cloud();
    await life.fence('comp0');
    // Nova does not know yet, so that the fencing history is asked.
    Object.assign(host(), { forcedDown: false });
    inject(kind, fault, nth);
    for (let pass = 0; pass < 6 && life.mark('comp0') !== 'no'; pass += 1) {
      await life.pass();
      await life.site.time.pass(10_000);
    }
    expect(life.mark('comp0')).toBe('no');
    expect(life.on('comp0')).toEqual([]);
    expect(
      life
        .changes()
        .filter((change) => change.startsWith('evacuate'))
        .sort(),
    ).toEqual(['evacuate vm-1', 'evacuate vm-2', 'evacuate vm-3']);
    expect(log.filter((line) => /remove the mark|unexpected/.test(line))).toEqual([]);
  });

  test.each(cases([...queries, 'crm_mon', 'attrd_updater change'], [1, 2, 4]))(
    '%s %s at call %d: a host that is back is released, and no sooner',
    async (kind, fault, nth) => {
      await evacuated();
      life.site.boot('comp0');
      life.site.startCompute('comp0');
      inject(kind, fault, nth);
      for (let pass = 0; pass < 8 && life.mark('comp0') !== ''; pass += 1) {
        await life.pass();
        await life.site.time.pass(10_000);
      }
      expect(life.mark('comp0')).toBe('');
      expect(host()).toMatchObject({ forcedDown: false, disabled: false });
    },
  );
});

describe('NovaCompute', () => {
  test.each(cases([...queries, 'crm_mon', 'attrd_updater change'], [1, 2, 3]))(
    '%s %s at call %d: waits for the end of the evacuation, and comes back',
    async (kind, fault, nth) => {
      cloud();
      await life.fence('comp0');
      life.site.boot('comp0');
      life.setMark('comp0', 'yes', 'yes');
      inject(kind, fault, nth);
      const running = life.comeBack('comp0');
      await life.site.time.pass(20_000);
      expect(host().alive).toBe(false);
      life.setMark('comp0', 'no', 'no');
      expect(await life.site.time.until(running.outcome)).toMatchObject({ kind: 'released' });
      expect(host().alive).toBe(true);
    },
  );

  test.each(cases([...queries, 'crm_mon'], [1, 2, 3]))(
    '%s %s at call %d: one that was never fenced starts within a start',
    async (kind, fault, nth) => {
      cloud();
      life.site.cloud.world.killCompute('comp0', { power: true });
      inject(kind, fault, nth);
      const outcome = await life.site.time.until(
        life.comeBack('comp0', { startBy: life.site.time.now() + 10_000 }).outcome,
      );
      expect(outcome).toMatchObject({ kind: 'released', sentence: null });
    },
  );
});

describe('fence_compute', () => {
  test.each(cases([...queries, 'attrd_updater change', 'crm_attribute change'], [1, 2]))(
    'off: %s %s at call %d: the mark is written, in both copies, and Nova is told',
    async (kind, fault, nth) => {
      cloud();
      life.lose('comp0');
      inject(kind, fault, nth);
      const begin = life.site.time.now();
      expect(await life.fenceCompute('off', 'comp0')).toBe('0');
      expect(life.site.time.now() - begin).toBeLessThan(30_000);
      expect([life.mark('comp0'), life.site.pacemaker.permanent('comp0')]).toEqual(['yes', 'yes']);
      expect(host().forcedDown).toBe(true);
    },
  );

  test.each(cases([...queries, 'crm_mon'], [1, 2, 3]))(
    'on: %s %s at call %d: the host is given back',
    async (kind, fault, nth) => {
      await evacuated();
      life.site.boot('comp0');
      life.site.startCompute('comp0');
      await life.site.time.pass(60_000);
      inject(kind, fault, nth);
      expect(await life.fenceCompute('on', 'comp0')).toBe('0');
      expect(host().forcedDown).toBe(false);
    },
  );

  test.each(cases([...queries, 'crm_mon'], [1, 2]))(
    'on: %s %s at call %d: with a mark that is pending nothing is given back',
    async (kind, fault, nth) => {
      cloud();
      await life.fence('comp0');
      life.site.boot('comp0');
      life.setMark('comp0', 'yes', 'yes');
      life.site.pacemaker.primitives = '<primitive id="x" class="systemd" type="openstack-nova-compute"/>';
      inject(kind, fault, nth);
      expect(await life.fenceCompute('on', 'comp0')).toContain('still wait for evacuation');
      expect(host().forcedDown).toBe(true);
    },
  );
});
