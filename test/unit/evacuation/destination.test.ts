import { describe, expect, it } from 'vitest';
import { loadOf, nextDestination } from '../../../lib/evacuation/destination.ts';

const record = (status: string, destHost: string | null, at = 0) => ({
  id: `m-${at}`,
  serverId: 's',
  status,
  sourceHost: 'comp0',
  destHost,
  createdAt: at,
  updatedAt: at,
});
const targets = ['comp1', 'comp2', 'comp3'];
const idle = new Map<string, number>();

describe('the host named for the next attempt', () => {
  it('is left to Nova at the first attempt', () => {
    expect(nextDestination([], targets, idle)).toBeNull();
  });

  it('is left to Nova when no host was found: no host failed', () => {
    expect(nextDestination([record('error', null)], targets, idle)).toBeNull();
  });

  it('is another one than where it failed', () => {
    expect(nextDestination([record('failed', 'comp1')], targets, idle)).toBe('comp2');
  });

  it('is the one with the fewest evacuations under way', () => {
    const load = new Map([['comp2', 3]]);
    expect(nextDestination([record('failed', 'comp1')], targets, load)).toBe('comp3');
  });

  it('forgets failures from before the last success', () => {
    const records = [record('failed', 'comp1', 1), record('completed', 'comp2', 2)];
    expect(nextDestination(records, targets, idle)).toBeNull();
    expect(nextDestination([...records, record('failed', 'comp3', 3)], targets, idle)).toBe('comp1');
  });

  it('is left to Nova again once every host has been tried', () => {
    const records = targets.map((host, at) => record('failed', host, at));
    expect(nextDestination(records, targets, idle)).toBeNull();
  });

  it('counts a named host that Nova refused as tried', () => {
    const records = [record('failed', 'comp1', 1), record('error', 'comp2', 2)];
    expect(nextDestination(records, targets, idle)).toBe('comp3');
  });
});

describe('the load of destinations', () => {
  it('counts evacuations under way only', () => {
    const records = [
      record('pre-migrating', 'comp1'),
      record('accepted', null),
      record('done', 'comp1'),
      record('pre-migrating', 'comp1'),
      record('pre-migrating', 'comp2'),
    ];
    expect(loadOf(records)).toEqual(
      new Map([
        ['comp1', 2],
        ['comp2', 1],
      ]),
    );
  });
});
