import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { type CommandRunner, createMarkStore, markName } from '../../../lib/attrd/index.ts';
import { PermanentMarks } from '../../../lib/attrd/permanentMarks.ts';
import { FakePacemaker } from '../../simulators/world/fakePacemaker.ts';
import { type Plainly, plainly } from '../names.ts';

/** A cluster whose CIB has the nodes ctl0 and comp0, as the tools see it, and an attribute of comp0 as it then reads. */
interface Cib {
  readonly run: CommandRunner;
  set(name: string, value: string): void;
  get(name: string): string | undefined;
}

const dir = mkdtempSync(join(tmpdir(), 'cib-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const hasCibadmin = spawnSync('cibadmin', ['--version']).error === undefined;

/** The real tool of this machine on a CIB that is a file. */
function realCib(): Cib {
  const file = join(dir, 'cib.xml');
  const env = { ...process.env, CIB_file: file, LC_ALL: 'C' };
  const empty = execFileSync('cibadmin', ['--empty'], { env, encoding: 'utf8' });
  const pairs = new Map([['colour', 'red']]);
  const write = () => {
    const text = [...pairs].map(
      ([name, value]) => `<nvpair id="nodes-comp0-${name}" name="${name}" value="${value}"/>`,
    );
    writeFileSync(
      file,
      empty.replace(
        '<nodes/>',
        `<nodes><node id="1" uname="ctl0"/><node type="remote" id="comp0" uname="comp0"><instance_attributes id="nodes-comp0">${text.join('')}</instance_attributes></node></nodes>`,
      ),
    );
  };
  write();
  return {
    run: async (tool, args) => {
      const { status, stdout, stderr } = spawnSync(tool, args, { env, encoding: 'utf8' });
      return { exitCode: status ?? -1, stdout, stderr };
    },
    set: (name, value) => {
      pairs.set(name, value);
      write();
    },
    get: (name) => new RegExp(`name="${name}" value="([^"]*)"`).exec(readFileSync(file, 'utf8'))?.[1],
  };
}

/** A CIB that lists a node twice, as one whose id has changed leaves its old entry behind. */
function twice(...entries: readonly [id: string, evacuate: string, incident: string][]): CommandRunner {
  const nodes = entries.map(
    ([id, evacuate, incident]) =>
      `<node id="${id}" uname="comp0"><instance_attributes id="nodes-${id}"><nvpair id="${id}-e" name="evacuate" value="${evacuate}"/><nvpair id="${id}-i" name="evacuate-incident" value="${incident}"/></instance_attributes></node>`,
  );
  // Another node has the name of this one for its id.
  const all = `<nodes><node id="comp0" uname="other"/>${nodes.join('')}</nodes>`;
  return async (tool, args) => {
    if (tool === 'attrd_updater') return { exitCode: 0, stdout: '<pacemaker-result/>', stderr: '' };
    const stdout = args.join(' ').includes('@uname=') ? all.replaceAll('nodes>', 'xpath-query>') : all;
    return { exitCode: 0, stdout: `<xpath-query>${stdout}</xpath-query>`, stderr: '' };
  };
}

describe('a node that the CIB lists twice: whoever reads and whoever changes its mark mean the same entry', () => {
  const incident = (id: string, phase: string, at: number) => `id=${id} phase=${phase} at=${at} by=ctl0`;
  const old = ['1', 'no', incident('old', 'evacuated', 5)] as const;
  const pending = ['2', 'yes', incident('new', 'pending', 9)] as const;
  const released = ['3', '', incident('last', 'over', 20)] as const;
  test.each([
    ['the one that is pending', '2', 'new', [old, pending]],
    ['the one that is pending, though it comes first', '2', 'new', [pending, old]],
    ['the one that is pending, though the other is younger', '2', 'new', [released, pending]],
    ['else the younger', '3', 'last', [released, old]],
    ['else the younger, wherever it stands', '3', 'last', [old, released]],
  ] as const)('%s', async (_what, nodeId, id, entries) => {
    const run = twice(...entries.map(([...entry]) => entry));
    expect((await plainly(new PermanentMarks(run)).read('comp0'))?.nodeId).toBe(nodeId);
    const { incidents } = await createMarkStore({ env: {}, timeoutMs: 1_000, run }).readAll();
    expect(incidents.get(markName('comp0'))?.id).toBe(id);
  });
});

/** The simulated cluster of the black box tests. */
function simulatedCib(): Cib {
  const root = join(dir, 'simulated');
  rmSync(root, { recursive: true, force: true });
  const simulator = new URL('../../simulators/attrd/', import.meta.url).pathname;
  execFileSync(join(simulator, 'new-cluster'), [root, 'ctl0', 'comp0'], {
    env: { ...process.env, VERSION: '2.1.5' },
  });
  const tool = (name: string, args: readonly string[]) => {
    const { status, stdout, stderr } = spawnSync(join(root, 'bin', name), args, { encoding: 'utf8' });
    return { exitCode: status ?? -1, stdout, stderr };
  };
  const set = (name: string, value: string) => {
    tool('crm_attribute', ['-N', 'comp0', '-n', name, '-v', value, '-l', 'forever']);
  };
  set('colour', 'red');
  return {
    run: async (name, args) => tool(name, args),
    set,
    get: (name) => {
      const { exitCode, stdout } = tool('crm_attribute', [
        '-N',
        'comp0',
        '-n',
        name,
        '-G',
        '-q',
        '-l',
        'forever',
      ]);
      return exitCode === 0 ? stdout.replace(/\n$/, '') : undefined;
    },
  };
}

function fakeCib(): Cib {
  const pacemaker = new FakePacemaker('2.1.5', ['ctl0'], ['comp0']);
  const attributes = new Map([['colour', 'red']]);
  pacemaker.nodes.set('comp0', attributes);
  return {
    run: pacemaker.run,
    set: (name, value) => attributes.set(name, value),
    get: (name) => attributes.get(name),
  };
}

describe.each([
  ['the real cibadmin', hasCibadmin ? realCib : null],
  ['the simulated cluster', simulatedCib],
  ['the cluster in memory', fakeCib],
] as const)('a permanent mark is changed only while it reads as it did: %s', (_what, create) => {
  let cib: Cib;
  let marks: Plainly<PermanentMarks>;
  beforeEach(() => {
    if (create === null) return;
    cib = create();
    marks = plainly(new PermanentMarks(cib.run));
  });
  const read = async () => {
    const entry = await marks.read('comp0');
    if (entry === null) throw new Error('comp0 is not there');
    return entry;
  };

  test.skipIf(create === null)('a node that is not there', async () => {
    expect(await marks.read('nobody')).toBeNull();
  });

  test.skipIf(create === null)('both values in one change, and nothing else', async () => {
    const empty = await read();
    expect([empty.mark, empty.incident]).toEqual([undefined, undefined]);
    expect(await marks.swap('comp0', empty, { mark: 'yes', incident: 'id=1 phase=pending' })).toBe(true);
    expect([cib.get('evacuate'), cib.get('evacuate-incident'), cib.get('colour')]).toEqual([
      'yes',
      'id=1 phase=pending',
      'red',
    ]);
    // What was read before is over.
    expect(await marks.swap('comp0', empty, { mark: 'yes', incident: 'id=2' })).toBe(false);
    const first = await read();
    expect(await marks.swap('comp0', first, { mark: 'no', incident: 'id=1 phase=evacuated' })).toBe(true);
    expect(await marks.swap('comp0', first, { mark: 'yes', incident: 'id=3' })).toBe(false);
    expect([cib.get('evacuate'), cib.get('evacuate-incident'), cib.get('colour')]).toEqual([
      'no',
      'id=1 phase=evacuated',
      'red',
    ]);
  });

  test.skipIf(create === null)('either value counts', async () => {
    cib.set('evacuate', 'yes');
    cib.set('evacuate-incident', 'id=1');
    const before = await read();
    cib.set('evacuate', 'no');
    expect(await marks.swap('comp0', before, { mark: 'yes', incident: 'id=2' })).toBe(false);
    cib.set('evacuate', 'yes');
    cib.set('evacuate-incident', 'id=7');
    expect(await marks.swap('comp0', before, { mark: 'yes', incident: 'id=2' })).toBe(false);
    cib.set('evacuate-incident', 'id=1');
    expect(await marks.swap('comp0', before, { mark: 'yes', incident: 'id=2' })).toBe(true);
  });

  test.skipIf(create === null)('one that somebody else emptied, or made', async () => {
    cib.set('evacuate', '');
    const before = await read();
    expect(before.mark?.value).toBe('');
    cib.set('evacuate-incident', 'id=1');
    expect(await marks.swap('comp0', before, { mark: 'yes', incident: 'id=2' })).toBe(false);
    expect(await marks.swap('comp0', await read(), { mark: 'yes', incident: 'id=2' })).toBe(true);
  });

  test.skipIf(create === null)('removed only while it reads so', async () => {
    cib.set('evacuate', 'yes');
    await marks.remove('comp0', 'evacuate', 'no');
    expect(cib.get('evacuate')).toBe('yes');
    await marks.remove('comp0', 'evacuate', 'yes');
    expect(cib.get('evacuate')).toBeUndefined();
    await marks.remove('comp0', 'evacuate', 'yes');
    expect(cib.get('colour')).toBe('red');
  });
});
