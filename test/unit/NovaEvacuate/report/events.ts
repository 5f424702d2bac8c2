import type { HostEvent, InstanceEvent } from '../../../../lib/evacuation/tell/events.ts';
import { named, type Plain } from '../../names.ts';

export const fencedAt = Date.UTC(2026, 10, 21, 3, 38, 37);

export function hostEvent(what: HostEvent['what'], more: Plain<Partial<HostEvent>> = {}): HostEvent {
  return named<HostEvent>({
    about: 'host',
    at: fencedAt + 60_000,
    host: 'comp0',
    fencedAt,
    what,
    sentence: `${what}.`,
    ...more,
  });
}

export function instanceEvent(
  what: InstanceEvent['what'],
  more: Plain<Partial<InstanceEvent>> = {},
): InstanceEvent {
  return named<InstanceEvent>({
    about: 'instance',
    at: fencedAt + 42_000,
    host: 'comp0',
    fencedAt,
    id: '8e2c1c0e-0000-4000-8000-000000000001',
    name: 'vm-1',
    what,
    sentence: `vm-1 is ${what}.`,
    attempt: 1,
    destination: 'comp1',
    requestId: 'req-1',
    durationMs: 7_500,
    ...more,
  });
}
