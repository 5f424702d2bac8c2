import type { ComputeService } from '@openstack-ts/nova-client';
import { type FenceContext, FenceExit } from '../../lib/fencing/index.ts';
import { oneLine } from '../../lib/system/text.ts';
import { lookDeadline } from './timing.ts';
import type { World } from './world.ts';

/**
 * Prints the names of all machines that can be fenced, each host under its full and its short name (cluster nodes often
 * bear the short one). Pacemaker reads the first word of each line. Throws `NovaError`: a list that cannot be had must
 * fail, as an empty one would mean that nothing can be fenced.
 */
export async function list(ctx: FenceContext, world: World): Promise<FenceExit> {
  const deadline = lookDeadline(ctx);
  const nova = await world.connect(deadline);
  const services = await nova.listComputeServices({ deadline });
  const separator = ctx.options.string('separator');
  const state = ctx.action === 'list-status' ? `${separator}UNKNOWN` : '';
  for (const name of fenceableNames(services)) {
    if (/^[^\s\p{Cc}]+$/u.test(name)) ctx.out(`${name}${separator}${state}\n`);
    else
      ctx.log.warn(
        `A host that Nova calls "${oneLine(name)}" is left out: nobody could name it to fence it.`,
      );
  }
  return FenceExit.success;
}

/** A short name that several hosts share is left out: it would be refused when it is used. */
export function fenceableNames(services: readonly ComputeService[]): string[] {
  const hosts = services.map((service) => service.host);
  const short = (host: string): string => host.split('.', 1)[0] ?? host;
  const counts = new Map<string, number>();
  for (const host of hosts) counts.set(short(host), (counts.get(short(host)) ?? 0) + 1);
  const isShared = (name: string): boolean => (counts.get(name) ?? 0) > 1;
  const names = hosts.flatMap((host) => (isShared(short(host)) ? [host] : [host, short(host)]));
  return [...new Set(names)];
}
