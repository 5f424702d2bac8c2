import { expect, test } from 'vitest';
import { newHostHints } from '../../../lib/evacuation/index.ts';
import { Rig } from './rig.ts';

test('a later group waits for one of an earlier that has left its host while its record still is open', async () => {
  const rig = new Rig(1);
  const { nova, time } = rig;
  nova.boot('db', 'comp0', { metadata: { evacuation_group: '1-db' } });
  nova.boot('web', 'comp1', { metadata: { evacuation_group: '2-web' } });
  rig.fence('comp0');
  rig.fence('comp1');
  // The pass before has asked for it; its record is the last thing to change.
  const record = nova.addRecord('db', { status: 'pre-migrating', destHost: 'comp2' });
  nova.instance('db').server.host = 'comp2';
  const hints = newHostHints(time.now());
  hints.open['db'] = { name: 'name-of-db', group: 'p/1-db', requestId: 'req-1' };
  hints.begun = true;
  rig.ctl0.hints.set('comp0', hints);
  rig.ctl0.hints.groupRanks.set('p/1-db', 500);
  time.after(8_000, () => {
    record.status = 'done';
    record.updatedAt = time.now();
  });
  const began = time.now();
  await rig.passes(5);
  const [asked = 0] = nova.asked.get('web') ?? [];
  expect(asked - began).toBeGreaterThanOrEqual(8_000);
  expect(nova.asked.has('db')).toBe(false);
  expect(nova.instance('web').server.host).not.toBe('comp1');
});
