import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { failed } from '../../simulators/world/fakePacemaker.ts';
import { Life } from '../../simulators/world/life.ts';
import { writesCib } from '../../simulators/world/tools.ts';

/**
 * What each action makes of each tool and each service that hangs, fails, answers nonsense or is slow, for one call, for ten
 * seconds, and for ever: how it ends, after how many seconds, and what the mark reads then. `matrix.txt` is what came of it when
 * somebody last looked; `npm run stories:update` writes what comes of it now, for review as a diff. The bounds that hold in every
 * cell stand here.
 */
const table = join(import.meta.dirname, 'matrix.txt');
const isUpdate = process.env['UPDATE'] === '1';

/** Of whom something is wanted. */
const parts = [
  'attrd_updater query',
  'attrd_updater change',
  'cibadmin query',
  'cib change',
  'crm_mon',
  'stonith_admin',
  'keystone',
  'nova',
  'placement',
  'glance',
  'cinder',
] as const;
type Part = (typeof parts)[number];

const faults = ['hangs', 'fails', 'nonsense', 'slow 1 s', 'slow 5 s', 'slow 30 s'] as const;
type Fault = (typeof faults)[number];

const spans = { once: 'one call', 'for 10 s': 10_000, always: Number.POSITIVE_INFINITY } as const;
type Span = keyof typeof spans;

const lateMs = (fault: Fault): number | null =>
  /^slow/.test(fault) ? Number(fault.split(' ')[1]) * 1000 : null;

function partOf(tool: string, args: readonly string[]): Part | null {
  if (writesCib(tool, args)) return 'cib change';
  const name =
    tool === 'attrd_updater' ? (args.includes('--query') ? `${tool} query` : `${tool} change`) : tool;
  return parts.find((part) => part === name || part === `${name} query`) ?? null;
}

/** Strikes from now on. Gives how often the part was wanted. */
function strike(life: Life, part: Part, fault: Fault | null, span: Span): () => number {
  const { site } = life;
  const begin = site.time.now();
  let wanted = 0;
  const strikes = (): boolean => {
    wanted += 1;
    if (fault === null) return false;
    const lasts = spans[span];
    return lasts === 'one call' ? wanted === 1 : site.time.now() - begin < lasts;
  };
  site.tools.trouble = (tool, args) => {
    if (partOf(tool, args) !== part || !strikes()) return {};
    if (fault === 'hangs') return { hangs: 'before' };
    if (fault === 'fails') return { answer: failed(1, `${tool}: Error`) };
    if (fault === 'nonsense') return { answer: { exitCode: 0, stdout: '<no \0 xml', stderr: '' } };
    return { lateMs: lateMs(fault ?? 'hangs') ?? 0 };
  };
  site.cloud.faults.decide = ({ service }) => {
    if (service !== part || !strikes()) return null;
    if (fault === 'hangs') return { hang: true };
    if (fault === 'fails') return { status: 500, json: {} };
    if (fault === 'nonsense') return { status: 200, text: '<no \0 json' };
    return { delayMs: lateMs(fault ?? 'hangs') ?? 0 };
  };
  return () => wanted;
}

interface Action {
  readonly name: string;
  /** The longest that it may take, whatever goes wrong, in s. */
  readonly mostSeconds: number;
  readonly prepare: (life: Life) => Promise<void>;
  /** Its exit code, or how it ends where that is more than one. */
  readonly act: (life: Life) => Promise<string>;
}

const node = 'comp0';

async function evacuated(life: Life): Promise<void> {
  await life.fence(node);
  await life.passes(10);
}

async function rejoined(life: Life): Promise<void> {
  await evacuated(life);
  life.site.boot(node);
}

const fence = (action: 'off' | 'on') => async (life: Life) => {
  // fence_compute asks again in its own way.
  life.site.patienceMs = 0;
  return (await life.fenceCompute(action, node)) === '0' ? '0' : '1';
};

const actions: readonly Action[] = [
  {
    name: 'fence_compute off',
    mostSeconds: 36,
    prepare: async (life) => life.lose(node),
    act: fence('off'),
  },
  { name: 'fence_compute on', mostSeconds: 36, prepare: rejoined, act: fence('on') },
  {
    name: 'NovaEvacuate monitor of a mark',
    mostSeconds: 60,
    prepare: (life) => life.fence(node),
    act: async (life) => monitor(life),
  },
  {
    name: 'NovaEvacuate monitor without one',
    mostSeconds: 60,
    prepare: async () => undefined,
    act: async (life) => monitor(life),
  },
  {
    name: 'NovaCompute start',
    mostSeconds: 60,
    prepare: rejoined,
    act: (life) => comeBack(life, { startMs: 10_000, releaseMs: 10_000, allMs: 54_000 }),
  },
  {
    // Of its last questions each may take six seconds.
    name: 'NovaCompute wait 60',
    mostSeconds: 66,
    prepare: rejoined,
    act: (life) => comeBack(life, { startMs: 60_000, releaseMs: 0, allMs: 60_000 }),
  },
];

async function monitor(life: Life): Promise<string> {
  life.configuration = { ...life.configuration, timeoutMs: 60_000 };
  const outcome = await life.pass();
  return outcome?.troubled === true ? '190' : '0';
}

async function comeBack(
  life: Life,
  { startMs, releaseMs, allMs }: { startMs: number; releaseMs: number; allMs: number },
): Promise<string> {
  // NovaCompute asks again in its own way.
  life.site.patienceMs = 0;
  const now = life.site.clocks.now(node);
  const running = life.comeBack(node, { startBy: now + startMs, releaseMs, deadline: now + allMs });
  return (await life.site.time.until(running.outcome)).kind;
}

interface Cell {
  readonly text: string;
  readonly seconds: number;
  readonly wanted: number;
  readonly violations: readonly string[];
}

async function run(action: Action, part: Part, fault: Fault | null, span: Span): Promise<Cell> {
  const life = new Life();
  life.judgesCounts = false;
  life.addServers({ name: 'vm', count: 2 });
  await action.prepare(life);
  const begin = life.site.time.now();
  const wanted = strike(life, part, fault, span);
  const end = await action.act(life);
  const seconds = (life.site.time.now() - begin) / 1000;
  const { permanent } = life.site.mark(node);
  const text = `${end} ${seconds.toFixed(0)}s ${permanent || '-'}`;
  return { text, seconds, wanted: wanted(), violations: life.violations };
}

const rows = new Map<string, string>();
const known = new Map(
  readFileSync(table, { encoding: 'utf8', flag: 'a+' })
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => [line.split('|').slice(0, 3).join('|'), line]),
);

describe.each(actions)('$name', (action) => {
  test.each(parts)('%s', async (part) => {
    // What it does not want cannot harm it.
    const { wanted } = await run(action, part, null, 'always');
    if (wanted === 0) return;
    for (const fault of faults) {
      const cells: string[] = [];
      for (const span of Object.keys(spans) as Span[]) {
        const { text, seconds, violations } = await run(action, part, fault, span);
        const where = `${action.name}, ${part} ${fault} ${span}: ${text}`;
        expect(violations, where).toEqual([]);
        expect(seconds, where).toBeLessThanOrEqual(action.mostSeconds);
        cells.push(text);
      }
      const begin = `${action.name} | ${part} | ${fault} `;
      const row = `${begin}| ${cells.join(' | ')}`;
      rows.set(begin, row);
      if (!isUpdate) expect(row).toBe(known.get(begin));
    }
  });

  test('every row of the table is of something that is wanted', () => {
    const own = [...known.keys()].filter((begin) => begin.startsWith(`${action.name} |`));
    if (!isUpdate)
      expect(own).toEqual([...rows.keys()].filter((begin) => begin.startsWith(`${action.name} |`)));
  });
});

afterAll(() => {
  if (!isUpdate) return;
  const heading = `# action | of what | fault | ${Object.keys(spans).join(' | ')}: how it ends, after how long, the permanent mark then`;
  writeFileSync(table, `${[heading, ...rows.values()].join('\n')}\n`);
});
