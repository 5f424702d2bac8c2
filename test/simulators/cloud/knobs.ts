import { isRelease, type Release, type ReleaseKnobs, releases } from './releases.ts';

/** What a test may set at any time, from the start (`--set name=value`, scenario) or through /_sim/knobs. */
export interface Knobs extends ReleaseKnobs {
  /** Which release of Nova it plays: those of ReleaseKnobs follow from it unless they are set as well. */
  release: Release;
  /** How long after its last heartbeat a service still counts as up, ms (nova.conf service_down_time). */
  serviceDownTime: number;
  /** From the start of a nova-compute until it looks after the guests that were evacuated meanwhile, ms. */
  startup: number;
  /** From then on, once that is done and it answers, to its first report, ms (Nova: 5 s). */
  firstReport: number;
  /** From report to report, ms (nova.conf report_interval). */
  reportInterval: number;
  /** Evacuations the conductor schedules at the same time. */
  conductorConcurrency: number;
  /** What scheduling one evacuation takes, ms: the record is `accepted` meanwhile. */
  schedule: number;
  /** From the claim on the target to rebuild_spawning, ms. */
  prepare: number;
  /** The spawn itself, ms; a host may have its own. */
  spawn: number;
  /** ACTIVE but still on its old host, the record still pre-migrating, ms (seen: 0 to 3 s). */
  settle: number;
  /** On its new host, but the record still pre-migrating, ms. */
  record: number;
  /** What booting a server takes, ms. */
  boot: number;
  /** What a returning nova-compute needs per evacuated instance before any record becomes completed, ms. */
  cleanup: number;
  /** What starting, stopping or rebooting a guest takes, ms. */
  power: number;
  /** A nova-compute that starts brings up the guests that Nova takes for running (resume_guests_state_on_host_boot). */
  resumeGuests: boolean;
  /** How often a nova-compute that starts compares its guests with Nova's records from then on, ms; 0 = never. */
  powerSync: number;
  /** How long Nova's API waits for a nova-compute that does not answer, ms (rpc_response_timeout). */
  rpcTimeout: number;
  /** Nova cannot reach the database of the cell that all hosts and servers are in. */
  cellDown: boolean;
  /** Instances, migration records and aggregates spell their hosts in upper case, as they were called once. */
  oldHostCase: boolean;
  /** Whether the disks of instances lie on storage that all hosts see; a host may have its own. */
  sharedStorage: boolean;
  /** QEMU locks disks: a guest whose disk a guest on another host has open does not start. */
  diskLocks: boolean;
  /** The parts of a live migration, or of a resize, until the source has to do with it no more, ms each. */
  move: number;
  /** From so many evacuations in flight on, Nova's API answers more slowly … */
  apiSlowdownFrom: number;
  /** … by so much for each further one, ms; 0 = never. */
  apiSlowdownMs: number;
  /** With so many evacuations in flight further ones are refused with 429 and Retry-After; 0 = never. */
  rateLimitAbove: number;
  /** Requests to Nova's API that come faster than that are refused with 429 and Retry-After; 0 = never. */
  rateLimitPerSecond: number;
  /** What Retry-After says, seconds. */
  retryAfter: number;
  /** Rebuilds fail on a host that spawns so many already; 0 = never. A host may have its own. */
  spawnLimit: number;
  /** Newest microversion of Cinder. */
  cinderMicroversion: string;
  /** Life of a token, ms. */
  tokenLifetime: number;
  /** Pages of servers and migrations are never longer. */
  maxLimit: number;
  /** Keystone offers its version 2.0 only. */
  keystoneV2Only: boolean;
  /** Status of Keystone's version list at `/` (300 since ever, 200 behind some proxies). */
  discoveryStatus: number;
  /** Disabling a service that is up waits for its nova-compute that long, ms. */
  disableWhileUp: number;
}

export const defaultKnobs: Knobs = {
  release: 'zed',
  ...releases.zed,
  serviceDownTime: 60_000,
  startup: 0,
  firstReport: 300,
  reportInterval: 1_000,
  conductorConcurrency: 10,
  schedule: 150,
  prepare: 200,
  spawn: 500,
  settle: 500,
  record: 50,
  boot: 100,
  cleanup: 20,
  power: 100,
  resumeGuests: false,
  powerSync: 0,
  rpcTimeout: 60_000,
  cellDown: false,
  oldHostCase: false,
  sharedStorage: true,
  diskLocks: false,
  move: 1_000,
  apiSlowdownFrom: 0,
  apiSlowdownMs: 0,
  rateLimitAbove: 0,
  rateLimitPerSecond: 0,
  retryAfter: 1,
  spawnLimit: 0,
  cinderMicroversion: '3.70',
  tokenLifetime: 3_600_000,
  maxLimit: 1000,
  keystoneV2Only: false,
  discoveryStatus: 300,
  disableWhileUp: 0,
};

/** The knobs given over `base`; where a release is given, what follows from it comes in between. */
export function withKnobs(base: Knobs, given: Partial<Knobs>): Knobs {
  return { ...base, ...(given.release === undefined ? {} : releases[given.release]), ...given };
}

/**
 * Sets knobs from text or JSON, in whatever order: a release is set first. Throws with a sentence when there is no such
 * knob or the value is not of its type.
 */
export function setKnobs(knobs: Partial<Knobs>, given: Readonly<Record<string, unknown>>): void {
  const { release, ...others } = given;
  if (release !== undefined) {
    if (!isRelease(release)) {
      throw new Error(
        `The knob "release" wants one of ${Object.keys(releases).join(', ')}, not ${JSON.stringify(release)}.`,
      );
    }
    Object.assign(knobs, { release }, releases[release]);
  }
  for (const [name, value] of Object.entries(others)) setKnob(knobs, name, value);
}

function setKnob(knobs: Partial<Knobs>, name: string, value: unknown): void {
  if (!Object.hasOwn(defaultKnobs, name)) {
    throw new Error(`There is no knob "${name}"; there are ${Object.keys(defaultKnobs).join(', ')}.`);
  }
  const wanted = typeof defaultKnobs[name as keyof Knobs];
  let parsed: unknown = value;
  if (typeof value === 'string') {
    if (wanted === 'number' && value !== '') parsed = Number(value);
    if (wanted === 'boolean') parsed = value === 'true' ? true : value === 'false' ? false : value;
  }
  if (typeof parsed !== wanted || Number.isNaN(parsed)) {
    throw new Error(`The knob "${name}" wants a ${wanted}, not ${JSON.stringify(value)}.`);
  }
  Object.assign(knobs, { [name]: parsed });
}

/** Durations divided: 10 means ten times as fast as the default. */
export function speedUp(knobs: Knobs, factor: number): void {
  for (const name of [
    'schedule',
    'prepare',
    'spawn',
    'settle',
    'record',
    'boot',
    'cleanup',
    'startup',
    'firstReport',
    'reportInterval',
    'power',
    'move',
  ] as const) {
    knobs[name] = Math.round(knobs[name] / factor);
  }
}
