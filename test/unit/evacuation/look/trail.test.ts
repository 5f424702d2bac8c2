import type { ActionEvent } from '@openstack-ts/nova-client';
import { describe, expect, test } from 'vitest';
import { trailOf } from '../../../../lib/evacuation/look/trail.ts';
import { named } from '../../names.ts';

const step = (event: string, result: string | null, host: string | null = 'controller') =>
  named<ActionEvent>({
    event,
    host,
    startedAt: 1_000,
    finishedAt: result === null ? null : 2_000,
    result,
  });
const conductor = (result: string | null) => step('rebuild_server', result);
const destination = (result: string | null, host: string | null = 'comp1') =>
  step('compute_rebuild_instance', result, host);

describe('how far a request has come', () => {
  test.each([
    ['nobody has taken it up', [], { kind: 'untaken' }],
    ['steps that are none of its own', [step('compute_reboot', 'Success')], { kind: 'untaken' }],
    ['a conductor is at it', [conductor(null)], { kind: 'conductor', passedOn: false }],
    ['it was passed on', [conductor('Success')], { kind: 'conductor', passedOn: true }],
    [
      'a conductor gave it up',
      [conductor('Error')],
      { kind: 'ended', by: 'conductor', host: 'controller', at: 2_000 },
    ],
    [
      'a destination is at it',
      [conductor('Success'), destination(null)],
      { kind: 'destination', host: 'comp1', at: 1_000 },
    ],
    [
      'below 2.62 its name is not told',
      [conductor('Success'), destination(null, null)],
      { kind: 'destination', host: null, at: 1_000 },
    ],
    [
      'a destination gave it up',
      [conductor('Success'), destination('Error')],
      { kind: 'ended', by: 'destination', host: 'comp1', at: 2_000 },
    ],
    [
      'a destination has done it: its record tells',
      [conductor('Success'), destination('Success')],
      { kind: 'destination', host: 'comp1', at: 1_000 },
    ],
  ] as const)('%s', (_what, events, trail) => {
    expect(trailOf(events)).toEqual(trail);
  });
});
