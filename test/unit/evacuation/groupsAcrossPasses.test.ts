import { NovaError } from '@openstack-ts/nova-client';
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

test('a pass that ends for one host does not let the groups of another past it', async () => {
  const rig = new Rig(1);
  const { nova } = rig;
  nova.boot('db-1', 'comp0', { metadata: { evacuation_group: '1-db' } });
  nova.boot('web-1', 'comp0', { metadata: { evacuation_group: '2-web' } });
  nova.boot('db-2', 'comp1', { metadata: { evacuation_group: '1-db' } });
  rig.fence('comp0');
  rig.fence('comp1');
  // A request for the one on comp1 is refused at first, so that its host has nothing to do for a while.
  nova.fault = ({ method, about, index }) =>
    method === 'evacuate' && about === 'db-2' && index < 3
      ? { kind: 'refuse', error: new NovaError('badRequest', 'not now', { status: 400 }) }
      : null;
  for (let pass = 0; pass < 20 && (rig.isPending('comp0') || rig.isPending('comp1')); pass += 1) {
    await rig.pass(rig.ctl0, { timeoutMs: 20_000 });
    await rig.time.pass(3_000);
  }
  const asked = (id: string) => Math.min(...(nova.asked.get(id) ?? [Number.POSITIVE_INFINITY]));
  const arrived = (id: string) =>
    nova.records.find(({ serverId, status }) => serverId === id && status === 'done')?.updatedAt ?? 0;
  const dbs = Math.max(arrived('db-1'), arrived('db-2'));
  expect(dbs).toBeGreaterThan(0);
  expect(asked('web-1')).toBeGreaterThanOrEqual(dbs - 1_000);
  expect(nova.violations).toEqual([]);
});
