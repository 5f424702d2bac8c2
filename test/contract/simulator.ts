import type { Release } from '../simulators/cloud/releases.ts';
import { startCloud } from '../simulators/cloud/server.ts';
import type { CloudUnderTest } from './cloudUnderTest.ts';

const reportInterval = 200;

/** The simulated cloud as it plays a release, somewhat faster than the real one. */
export async function simulator(release: Release = 'zed'): Promise<CloudUnderTest> {
  const cloud = await startCloud({
    knobs: {
      release,
      serviceDownTime: 1_500,
      schedule: 60,
      prepare: 80,
      spawn: 120,
      settle: 120,
      firstReport: 50,
      reportInterval,
      power: 60,
      sharedStorage: false,
    },
    scenario: {
      hosts: ['compute-0', 'compute-1', 'compute-2'],
      flavors: [
        { id: '1', name: 'm1.tiny' },
        { id: '2', name: 'm1.evacuable', extraSpecs: { evacuable: 'true' } },
      ],
      images: [
        { id: '11111111-1111-4111-8111-111111111111', name: 'cirros' },
        { id: '22222222-2222-4222-8222-222222222222', name: 'cirros-evacuable', tags: ['evacuable'] },
      ],
    },
  });
  const { world } = cloud;
  return {
    kind: 'simulator',
    authUrl: cloud.authUrl,
    admin: { username: 'admin', password: 'adminpw', project: 'admin' },
    member: { username: 'demo', password: 'demopw', project: 'demo' },
    image: '11111111-1111-4111-8111-111111111111',
    flavor: '1',
    taggedFlavor: '2',
    taggedImage: '22222222-2222-4222-8222-222222222222',
    region: 'RegionOne',
    downAfter: 2_000,
    sharedStorage: false,
    reportInterval,
    killCompute: async (host) => world.killCompute(host, { power: false }),
    startCompute: async (host) => world.startCompute(host),
    guestsOff: async (host) => world.bootMachine(host),
    spawnDelay: async (host, seconds) => {
      world.host(host).spawn = seconds === null ? null : seconds * 1000;
    },
    spawnFail: async (host, on) => {
      world.host(host).spawnFail = on;
    },
    sharedDisks: async (on) => {
      world.knobs.sharedStorage = on;
    },
    conductor: async (on) => (on ? world.conductor.start() : world.conductor.stop()),
    close: () => cloud.stop(),
  };
}
