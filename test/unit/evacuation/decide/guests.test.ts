import type { Server, ServerAction } from '@openstack-ts/nova-client';
import { describe, expect, test } from 'vitest';
import { decideGuest, type GuestFacts } from '../../../../lib/evacuation/decide/guests.ts';
import { named } from '../../names.ts';

const fencedAt = Date.parse('2026-11-21T03:00:00Z');
const before = fencedAt - 3_600_000;
const after = fencedAt + 60_000;

const server = named<Server>({
  id: 'i',
  name: 'i',
  host: 'comp0',
  status: 'ACTIVE',
  vmState: 'active',
  taskState: null,
  powerState: 1,
  projectId: null,
  imageId: null,
  flavor: { id: null, name: null, extraSpecs: null, size: null },
  availabilityZone: 'nova',
  volumeIds: [],
  serverGroupIds: null,
  metadata: {},
  locked: false,
  fault: null,
  updatedAt: after,
});
const act = (action: string, startedAt: number, userId: string | null = 'u'): ServerAction => ({
  action,
  startedAt,
  userId,
  requestId: null,
  message: null,
});
const created = act('create', before);
const bySync = act('stop', after, null);

/** One that ran before the machine died; what a row gives is different. */
function decide({ vm = 'active', task = null, touched, ...more }: Row) {
  const facts: GuestFacts = {
    server: { ...server, vmState: vm, taskState: task, updatedAt: touched ?? after },
    running: false,
    actions: [created],
    evacuationFailed: false,
    fencedAt,
    triedSince: fencedAt,
    ...more,
  };
  return decideGuest(facts);
}
type Row = Partial<GuestFacts> & {
  readonly vm?: string | null;
  readonly task?: string | null;
  readonly touched?: number;
};

const table: readonly (readonly [string, Row, string])[] = [
  ['off, and should run', {}, 'reboot'],
  ['off: what was done to it has to be known first', { actions: null }, 'readActions'],
  ['it runs: a reboot would be a reset of it', { running: true }, 'leave'],
  ['it runs, and nobody knows what was done to it', { running: true, actions: null }, 'leave'],
  ['started since, and off: not again', { actions: [act('reboot', after), created] }, 'name'],
  ['started long ago', { actions: [act('reboot', before), created] }, 'reboot'],
  ['started at an earlier return', { actions: [act('start', after)], triedSince: after + 1 }, 'reboot'],
  ['nobody can say whether it runs', { running: null }, 'name'],
  ['on its way', { task: 'reboot_started_hard', running: null }, 'starting'],
  ['on its way from off', { vm: 'stopped', task: 'powering-on', running: null }, 'starting'],
  ['somebody is at work on it', { task: 'deleting', running: null }, 'leave'],
  ['being rebuilt: not ours', { task: 'rebuild_spawning', running: null }, 'leave'],
  ['its owner had stopped it', { vm: 'stopped', actions: [act('stop', before), created] }, 'leave'],
  ['its owner has stopped it since', { vm: 'stopped', actions: [act('stop', after), created] }, 'leave'],
  [
    'stopped, and nothing has touched it since the fencing',
    { vm: 'stopped', touched: before, actions: null },
    'leave',
  ],
  [
    'stopped, and touched since: what was done has to be known',
    { vm: 'stopped', actions: null },
    'readActions',
  ],
  [
    "stopped by Nova's power sync, which found it off",
    { vm: 'stopped', actions: [bySync, created] },
    'start',
  ],
  [
    'the same, and something was done that changes no power',
    { vm: 'stopped', actions: [act('evacuate', after), bySync, created] },
    'start',
  ],
  [
    'stopped by the power sync long ago',
    { vm: 'stopped', actions: [act('stop', before, null), created] },
    'leave',
  ],
  [
    'Nova begins to stop it, as it was found off: to be started after that',
    { task: 'powering-off', running: null, actions: [bySync, created] },
    'starting',
  ],
  [
    'Nova has begun to stop it long ago',
    { task: 'powering-off', running: null, actions: [bySync, created], triedSince: after + 1 },
    'name',
  ],
  [
    'its owner stops it',
    { task: 'powering-off', running: null, actions: [act('stop', after), created] },
    'leave',
  ],
  ['in error before', { vm: 'error', touched: before }, 'leave'],
  ['an operator has reset it since', { vm: 'error' }, 'name'],
  [
    'an operator has reset it since, and nobody can say whether it runs',
    { vm: 'error', running: null },
    'leave',
  ],
  ['its evacuation failed', { vm: 'error', evacuationFailed: true }, 'reboot'],
  [
    'its evacuation failed: what it was has to be known',
    { vm: 'error', evacuationFailed: true, actions: null },
    'readActions',
  ],
  [
    'its evacuation failed, and it was off before',
    { vm: 'error', evacuationFailed: true, actions: [act('stop', before), created] },
    'stop',
  ],
  [
    'its evacuation failed, and its way back to off was cut short after the reset',
    { evacuationFailed: true, actions: [act('resetState', after), act('stop', before), created] },
    'stop',
  ],
  [
    'its evacuation failed, and it was on again before',
    { vm: 'error', evacuationFailed: true, actions: [act('start', before + 2), act('stop', before + 1)] },
    'reboot',
  ],
  [
    'its evacuation failed, and its owner has stopped it since, or before: when it was fenced is told as earlier than it was',
    { vm: 'error', evacuationFailed: true, actions: [act('stop', after), created] },
    'stop',
  ],
  [
    'its evacuation failed, and its owner has started it since',
    { vm: 'error', evacuationFailed: true, actions: [act('start', after), act('stop', before)] },
    'name',
  ],
  [
    'its evacuation failed, and Nova found it off after the machine had died',
    { vm: 'error', evacuationFailed: true, actions: [bySync, created] },
    'reboot',
  ],
  ['its evacuation failed, and it runs', { vm: 'error', evacuationFailed: true, running: true }, 'leave'],
  [
    'its evacuation failed, and nobody can say whether it runs',
    { vm: 'error', evacuationFailed: true, running: null },
    'leave',
  ],
  ['paused', { vm: 'paused' }, 'name'],
  ['suspended', { vm: 'suspended' }, 'name'],
  ['rescued', { vm: 'rescued' }, 'name'],
  ['shelved', { vm: 'shelved_offloaded' }, 'leave'],
  ['Nova does not tell (its cell is down)', { vm: null, running: null }, 'leave'],
];

describe('an instance that stayed on a host that is back', () => {
  test.each(table)('%s', (_what, row, is) => {
    expect(decide(row).kind).toBe(is);
  });

  test('one that runs is never rebooted or stopped', () => {
    for (const [, row] of table) {
      if (row.vm === 'stopped') continue;
      expect(['leave', 'starting', 'name']).toContain(decide({ ...row, running: true }).kind);
    }
  });

  test.each([
    ['it was on before', [created], 'openstack server reboot --hard i'],
    ['it was off before', [act('stop', before), created], 'openstack server stop i'],
    [
      'it was off before, and its owner has tried to start it since',
      [act('start', after), act('stop', before)],
      'was started',
    ],
  ])('a command that starts one in ERROR is named only where it was on: %s', (_what, actions, says) => {
    const step = decide({ vm: 'error', actions });
    const sentence = step.kind === 'name' ? step.sentence : '';
    expect(sentence).toContain(says);
    expect(sentence.includes('reboot --hard')).toBe(says.includes('reboot --hard'));
  });

  test('whoever is named can be looked up in a log line', () => {
    for (const [, row] of table) {
      const step = decide(row);
      if (step.kind === 'name') expect(step.sentence).toMatch(/^[^\n]+[^.\n]$/);
    }
  });
});
