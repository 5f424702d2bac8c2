import type { ComputeService } from '@openstack-ts/nova-client';
import { matchHost } from '../../lib/evacuation/incident/names.ts';
import { type FenceContext, FenceExit } from '../../lib/fencing/index.ts';
import { mustBeHost } from './novaHost.ts';
import { dnsDomain } from './options.ts';
import { lookDeadline } from './timing.ts';
import type { World } from './world.ts';

/**
 * Prints whether the host is fenced off from Nova; of several, joined by `plug_separator`, whether all are. Throws
 * `NovaError` or `FenceError`.
 */
export async function status(ctx: FenceContext, world: World): Promise<FenceExit> {
  const deadline = lookDeadline(ctx);
  const nova = await world.connect(deadline);
  const services = await nova.listComputeServices({ deadline });
  const hosts = plugs(ctx).map((plug) => mustBeHost(matchHost(services, plug, dnsDomain(ctx.options))));
  const isOff = hosts.every(isFencedOff);
  ctx.out(`Status: ${isOff ? 'OFF' : 'ON'}\n`);
  return isOff ? FenceExit.off : FenceExit.success;
}

function plugs(ctx: FenceContext): readonly string[] {
  const separator = ctx.options.string('plug_separator');
  const names = separator === '' ? [] : ctx.plug.split(separator).filter((name) => name !== '');
  return names.length === 0 ? [ctx.plug] : names;
}

/** Down and disabled is off; everything else may run instances, or get new ones, and counts as on. */
function isFencedOff(service: ComputeService): boolean {
  return service.state === 'down' && service.status === 'disabled';
}
