import type { NovaHost } from '@openstack-ts/nova-client';
import { goCommand, type MarkName } from '../../attrd/index.ts';
import { timeOfDay } from '../incident/clock.ts';

/** A pause that nobody needs a command for, in ms. */
const shortMs = 30_000;

/** That nothing new is asked for a host for a while; with the command that ends a long pause. */
export function pauseText(host: NovaHost, name: MarkName, pauseMs: number, why: string, now: number): string {
  const sentence = `No new evacuations from ${host} for ${Math.ceil(pauseMs / 1000)} s: ${why}.`;
  if (pauseMs <= shortMs) return sentence;
  return `${sentence} They go on at ${timeOfDay(now + pauseMs)}, or at once after: ${goCommand(name)}.`;
}

/** What a host shows while nothing new is asked for it before a time; null: that time is near. */
export function pauseNote(name: MarkName, until: number, now: number): string | null {
  if (until - now <= shortMs) return null;
  return `nothing new is asked of Nova before ${timeOfDay(until)}, as it wants; to go on at once: ${goCommand(name)}`;
}
