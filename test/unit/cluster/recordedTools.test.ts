import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Attributes, type CommandResult, type CommandRunner, nodeName } from '../../../lib/attrd/index.ts';
import { createFencingHistory } from '../../../lib/cluster/index.ts';

/** What the tools of real Pacemakers answered to the agents' questions, recorded by the lab's scenario 33. */

const fixtures = join(import.meta.dirname, 'fixtures/crm_mon');
interface Call extends CommandResult {
  readonly command: readonly string[];
}

function callsOf(version: string): readonly Call[] {
  const calls: unknown = JSON.parse(readFileSync(join(fixtures, version, 'tools.json'), 'utf8'));
  if (!Array.isArray(calls)) throw new Error('no list of calls');
  return calls;
}

/** Answers as that version did, each question once and in the order in which they were asked. */
function replay(version: string): CommandRunner {
  const left = [...callsOf(version)];
  return async (tool, args) => {
    const wanted = JSON.stringify([tool, ...args]);
    const index = left.findIndex(({ command }) => JSON.stringify(command) === wanted);
    const [call] = index < 0 ? [] : left.splice(index, 1);
    if (call === undefined) throw new Error(`not recorded: ${wanted}`);
    return call;
  };
}

const versions = readdirSync(fixtures).filter((version) => existsSync(join(fixtures, version, 'tools.json')));

test('there are recordings', () => expect(versions.length).toBeGreaterThan(0));

describe.each(versions)('the tools of Pacemaker %s', (version) => {
  test('an attribute that nobody ever set has no values', async () => {
    expect(await new Attributes(replay(version)).queryTransient('lab-never-set')).toEqual([]);
  });

  test('values are read to the letter, of any name', async () => {
    const values = await new Attributes(replay(version)).queryTransient('lab-recorded');
    expect(values).toContainEqual({ name: 'lab-recorded', host: 'comp0', value: 'a "b" <c>&' });
    expect(values).toContainEqual({ name: 'lab-recorded', host: 'no-such-node', value: 'yes' });
  });

  test('a permanent attribute of a name that is no node is refused, and known as that', async () => {
    const write = new Attributes(replay(version)).updatePermanent(
      nodeName('no-such-node'),
      'lab-recorded',
      'yes',
    );
    expect(await write).toBe(false);
  });

  test('the node was fenced, and the history tells when', async () => {
    const fencing = await createFencingHistory({
      env: {},
      timeoutMs: 1_000,
      run: replay(version),
    }).readFencing(nodeName('comp0'));
    expect(fencing).toMatchObject({ known: true });
    expect(fencing.lastSuccess).toBeGreaterThan(Date.parse('2026-01-01'));
  });

  test('a conditional delete is no error where the value is another', async () => {
    const deletes = callsOf(version).filter(({ command }) => command[1] === '--delete');
    expect(deletes.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
    const queries = callsOf(version).filter(
      ({ command }) => command[0] === 'cibadmin' && command[3]?.startsWith('//nodes//nvpair'),
    );
    expect(queries.map(({ stdout }) => stdout.includes('value="yes"'))).toEqual([true, false]);
  });
});
