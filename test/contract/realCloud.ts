import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { CloudUnderTest } from './cloudUnderTest.ts';

const run = promisify(execFile);

/**
 * A real cloud with fake hypervisors, such as the lab's. The environment names it: CONTRACT_AUTH_URL (with /v3),
 * CONTRACT_PASSWORD, CONTRACT_MEMBER_PASSWORD, and CONTRACT_CONTROL, an executable called as `kill-compute HOST`,
 * `start-compute HOST`, `guests-off HOST`, `spawn-delay HOST SECONDS|off`, `spawn-fail HOST on|off`,
 * `shared-storage on|off`, `service stop|start NAME`.
 */
export function realCloud(authUrl: string, env: NodeJS.ProcessEnv): CloudUnderTest {
  const required = (name: string) => {
    const value = env[name];
    if (value === undefined || value === '')
      throw new Error(`${name} has to be set together with CONTRACT_AUTH_URL.`);
    return value;
  };
  const program = required('CONTRACT_CONTROL');
  const control = async (...args: string[]) => {
    await run(program, args);
  };
  return {
    kind: 'real',
    authUrl,
    admin: {
      username: env['CONTRACT_USERNAME'] ?? 'admin',
      password: required('CONTRACT_PASSWORD'),
      project: env['CONTRACT_PROJECT'] ?? 'admin',
    },
    member: {
      username: env['CONTRACT_MEMBER_USERNAME'] ?? 'demo',
      password: required('CONTRACT_MEMBER_PASSWORD'),
      project: env['CONTRACT_MEMBER_PROJECT'] ?? 'demo',
    },
    image: env['CONTRACT_IMAGE'] ?? '11111111-1111-4111-8111-111111111111',
    flavor: env['CONTRACT_FLAVOR'] ?? '1',
    taggedFlavor: env['CONTRACT_TAGGED_FLAVOR'] ?? '2',
    taggedImage: env['CONTRACT_TAGGED_IMAGE'] ?? '22222222-2222-4222-8222-222222222222',
    region: env['CONTRACT_REGION'] ?? 'RegionOne',
    downAfter: Number(env['CONTRACT_DOWN_AFTER'] ?? 12_000),
    sharedStorage: env['CONTRACT_SHARED_STORAGE'] === 'true',
    reportInterval: Number(env['CONTRACT_REPORT_INTERVAL'] ?? 2_000),
    killCompute: (host) => control('kill-compute', host),
    startCompute: (host) => control('start-compute', host),
    guestsOff: (host) => control('guests-off', host),
    spawnDelay: (host, seconds) => control('spawn-delay', host, seconds === null ? 'off' : String(seconds)),
    spawnFail: (host, on) => control('spawn-fail', host, on ? 'on' : 'off'),
    sharedDisks: (on) => control('shared-storage', on ? 'on' : 'off'),
    conductor: (on) => control('service', on ? 'start' : 'stop', 'nova-conductor'),
    close: async () => undefined,
  };
}
