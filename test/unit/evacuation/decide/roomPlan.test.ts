import { type HostCapacity, novaHost, serverId } from '@openstack-ts/nova-client';
import { describe, expect, test } from 'vitest';
import { RoomPlan } from '../../../../lib/evacuation/decide/roomPlan.ts';
import { pacing } from '../../../../lib/evacuation/incident/pacing.ts';
import { plainly } from '../../names.ts';

const room = (host: string, capacity: number, used = 0): HostCapacity => ({
  host: novaHost(host),
  resources: { MEMORY_MB: { capacity, used } },
  traits: new Set(),
});
const wants = (id: string, memoryMb: number, priority = 500) => ({
  id: serverId(id),
  priority,
  demand: { MEMORY_MB: memoryMb },
  traits: { required: [], forbidden: [] },
  zone: null,
});

const inNova = (host: string) => ({ host, zone: 'nova' });

/** A plan over hosts whose room a test may change; `ages` says how old the count might have been. */
function setup(list: HostCapacity[] | null, at = 100_000) {
  const state = { list, at };
  const ages: number[] = [];
  const rooms = new RoomPlan(async (maxAgeMs) => {
    ages.push(maxAgeMs);
    return state.list === null ? null : { at: state.at, list: state.list };
  });
  const plan = plainly(rooms);
  const unfit = async (
    host: string,
    requests: Parameters<RoomPlan['plan']>[1],
    targets = ['comp1', 'comp2'],
  ) => [...(await plan.plan(host, requests, targets.map(inNova))).keys()].sort();
  return { plan, state, ages, unfit };
}

describe('room is shared over all failed hosts', () => {
  test('what fits fits; what does not is told with a reason', async () => {
    const { plan } = setup([room('comp1', 4)]);
    const unfit = await plan.plan('comp0', [wants('a', 4), wants('b', 1)], [inNova('comp1')]);
    expect([...unfit.keys()]).toEqual(['b']);
    expect(plainly(unfit).get('b')?.sentence).toMatch(
      /^no host has room for it now: it needs 1 MB of memory/,
    );
  });

  test('the higher priority has it, on whichever host, whoever asks first', async () => {
    const { unfit } = setup([room('comp1', 4)]);
    expect(await unfit('comp0', [wants('low', 4, 100)], ['comp1'])).toEqual([]);
    expect(await unfit('comp9', [wants('high', 4, 900)], ['comp1'])).toEqual([]);
    expect(await unfit('comp0', [wants('low', 4, 100)], ['comp1'])).toEqual(['low']);
  });

  test('a host that takes no part any more wants nothing', async () => {
    const { plan, unfit } = setup([room('comp1', 4)]);
    await unfit('comp9', [wants('high', 4, 900)]);
    expect(await unfit('comp0', [wants('low', 4)], ['comp1'])).toEqual(['low']);
    plan.leave('comp9');
    expect(await unfit('comp0', [wants('low', 4)], ['comp1'])).toEqual([]);
  });

  test('hosts that are no targets have no room', async () => {
    const { unfit } = setup([room('comp1', 1), room('comp2', 64)]);
    expect(await unfit('comp0', [wants('a', 4)], ['comp1'])).toEqual(['a']);
    expect(await unfit('comp0', [wants('a', 4)], ['comp1', 'comp2'])).toEqual([]);
  });

  test('where room cannot be known nothing is held back', async () => {
    const { unfit } = setup(null);
    expect(await unfit('comp0', [wants('a', 4_000)])).toEqual([]);
  });

  test('nothing is read where nothing is wanted, or no host is there', async () => {
    const { unfit, ages } = setup([room('comp1', 1)]);
    expect(await unfit('comp0', [])).toEqual([]);
    expect(await unfit('comp0', [wants('a', 4)], [])).toEqual([]);
    expect(ages).toEqual([]);
  });
});

describe('room that was asked for is taken', () => {
  test('while the request is on its way, and until Placement counts it', async () => {
    const { plan, state, unfit } = setup([room('comp1', 4)]);
    plan.take('a', { MEMORY_MB: 4 });
    expect(await unfit('comp0', [wants('b', 1)], ['comp1'])).toEqual(['b']);
    // Answered: the scheduler takes a moment, within which a count does not show it.
    plan.accepted('a', 200_000);
    state.at = 200_000 + pacing.schedulingMs;
    expect(await unfit('comp0', [wants('b', 1)], ['comp1'])).toEqual(['b']);
    state.at += 1;
    expect(await unfit('comp0', [wants('b', 1)], ['comp1'])).toEqual([]);
  });

  test('one that Nova has refused gives its room back', async () => {
    const { plan, unfit } = setup([room('comp1', 4)]);
    plan.take('a', { MEMORY_MB: 4 });
    plan.giveBack('a');
    expect(await unfit('comp0', [wants('b', 4)], ['comp1'])).toEqual([]);
  });

  test('one that is asked for a second time takes its room once', async () => {
    const { plan, unfit } = setup([room('comp1', 8)]);
    plan.take('a', { MEMORY_MB: 4 });
    plan.take('a', { MEMORY_MB: 4 });
    expect(await unfit('comp0', [wants('b', 4)], ['comp1'])).toEqual([]);
  });
});

test('while some have to wait, room is looked for more often, and then less again', async () => {
  const { state, ages, unfit } = setup([room('comp1', 1)]);
  await unfit('comp0', [wants('a', 4)], ['comp1']);
  await unfit('comp0', [wants('a', 4)], ['comp1']);
  state.list = [room('comp1', 8)];
  await unfit('comp0', [wants('a', 4)], ['comp1']);
  await unfit('comp0', [wants('a', 4)], ['comp1']);
  expect(ages).toEqual([
    pacing.capacityFreshMs,
    pacing.capacityShortMs,
    pacing.capacityShortMs,
    pacing.capacityFreshMs,
  ]);
});
