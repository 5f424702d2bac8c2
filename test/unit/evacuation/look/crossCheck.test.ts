import { novaHost, type Server, serverId } from '@openstack-ts/nova-client';
import { expect, test } from 'vitest';
import { crossCheck } from '../../../../lib/evacuation/look/crossCheck.ts';
import { aServer } from '../fakeLists.ts';
import { Scene } from '../scene.ts';

const policy = 'os_compute_api:os-extended-server-attributes';

/** Placement counts an instance on comp0 that Nova's list of it has not, and that Nova shows like this. */
async function look(shown: Parameters<typeof aServer>[0]) {
  const scene = new Scene(2);
  scene.boot('vm', 'comp0');
  const nova = await scene.client();
  const answers = Object.assign(Object.create(nova), {
    getServer: async (): Promise<Server> => ({ ...aServer(shown), id: serverId('vm') }),
  });
  const { kind } = await scene.time.until(
    crossCheck({
      nova: answers,
      host: novaHost('comp0'),
      isKnown: () => false,
      services: () => nova.listComputeServices({}),
      clock: scene.newProcess(),
      options: {},
    }),
  );
  return kind;
}

test.each<[string, Parameters<typeof aServer>[0], string]>([
  ['on the host', { host: 'comp0' }, 'contradicted'],
  ['elsewhere', { host: 'comp1' }, 'told'],
  ['offloaded after it was shelved', { host: null, vmState: 'shelved_offloaded' }, 'told'],
  ['in ERROR, and never built anywhere', { host: null, vmState: 'error' }, 'told'],
  ['active, and its host is not shown', { host: null, vmState: 'active' }, 'untold'],
  [
    'without a host or a state, as a policy hides them',
    { host: null, vmState: null, hiddenBy: policy },
    'untold',
  ],
  ['in a cell that does not answer', { host: null, vmState: null, status: 'UNKNOWN' }, 'untold'],
])('an instance that is %s', async (_what, shown, expected) => {
  expect(await look(shown)).toBe(expected);
});
