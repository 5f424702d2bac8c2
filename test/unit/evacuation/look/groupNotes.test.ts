import { type NovaClient, NovaError, type ServerGroup } from '@openstack-ts/nova-client';
import { describe, expect, test } from 'vitest';
import { GroupNotes } from '../../../../lib/evacuation/look/groupNotes.ts';
import { plainly } from '../../names.ts';
import { aServer } from '../fakeLists.ts';
import { Scene } from '../scene.ts';

const group = (id: string, policy: string): ServerGroup => ({
  id,
  name: `name-of-${id}`,
  policy,
});
const groups = [
  group('apart', 'anti-affinity'),
  group('near', 'affinity'),
  group('soft', 'soft-anti-affinity'),
];

function setup(groupsOf: Readonly<Record<string, readonly string[] | null>>, fails: readonly string[] = []) {
  const asked: string[] = [];
  const nova: Pick<NovaClient, 'getServer'> = {
    getServer: async (id) => {
      asked.push(id);
      if (fails.includes(id)) throw new NovaError('serverError', 'boom');
      return aServer({ id, serverGroupIds: groupsOf[id] ?? null });
    },
  };
  const notes = plainly(new GroupNotes(nova, async (id) => groups.find((one) => one.id === id) ?? null, {}));
  return { notes, asked };
}

describe('the server group behind "No valid host"', () => {
  test.each([
    [
      'anti-affinity',
      ['apart'],
      '; its server group name-of-apart (anti-affinity) allows it only hosts without another member',
    ],
    [
      'affinity',
      ['near'],
      '; its server group name-of-near (affinity) ties it to the dead host, so Nova finds no other while the group exists (openstack server group delete name-of-near)',
    ],
    ['a soft policy forbids nothing', ['soft'], ''],
    ['one of several', ['soft', 'near'], /name-of-near \(affinity\)/],
    ['one that is gone', ['gone'], ''],
    ['none', [], ''],
    ['Nova does not tell', null, ''],
  ] as const)('%s', async (_what, ids, note) => {
    const { notes } = setup({ i: ids });
    expect(notes.note('i')).toBe('');
    await notes.read(['i']);
    if (typeof note === 'string') expect(notes.note('i')).toBe(note);
    else expect(notes.note('i')).toMatch(note);
  });

  test('each instance is asked about once, and only so many in a pass', async () => {
    const ids = Array.from({ length: 50 }, (_, index) => `i${index}`);
    const { notes, asked } = setup({ i0: ['apart'] });
    await notes.read(ids);
    await notes.read(ids);
    expect(asked).toEqual(ids.slice(0, 20));
    expect(notes.note('i0')).not.toBe('');
    expect(notes.note('i49')).toBe('');
  });

  test('one that cannot be read holds up no other', async () => {
    const { notes, asked } = setup({ a: ['near'], b: ['near'] }, ['a']);
    await notes.read(['a', 'b']);
    await notes.read(['a', 'b']);
    expect([notes.note('a'), notes.note('b') !== '', asked]).toEqual(['', true, ['a', 'b']]);
  });
});

test('in a cloud: a member of an anti-affinity group with nowhere to go is named with its group', async () => {
  const scene = new Scene(1, { nodes: ['comp0', 'comp1'] });
  scene.cloud.addGroup('name-of-apart', 'anti-affinity', { id: 'apart' });
  scene.boot('i0', 'comp0', { group: 'apart' });
  scene.boot('i1', 'comp1', { group: 'apart' });
  await scene.fence('comp0');
  const outcome = await scene.outcome();
  expect(outcome.troubled).toBe(true);
  expect(outcome.sentence).toContain(
    'its server group name-of-apart (anti-affinity) allows it only hosts without another member',
  );
  expect(scene.logged('name-of-apart').length).toBeGreaterThan(0);
  expect(scene.violations).toEqual([]);
});
