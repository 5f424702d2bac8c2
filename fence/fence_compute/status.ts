import type { ComputeService } from '@openstack-ts/nova-client';
import { type FenceContext, FenceExit } from '../../lib/fencing/index.ts';
import { findHost, mustBeHost } from './novaHost.ts';
import { lookDeadline } from './timing.ts';
import type { World } from './world.ts';

/** Prints whether the host is fenced off from Nova. Throws `NovaError` or `FenceError`. */
export async function status(ctx: FenceContext, world: World): Promise<FenceExit> {
  const { match } = await findHost(ctx, world, lookDeadline(ctx));
  const isOff = isFencedOff(mustBeHost(match));
  ctx.out(`Status: ${isOff ? 'OFF' : 'ON'}\n`);
  return isOff ? FenceExit.off : FenceExit.success;
}

/** Down and disabled is off; everything else may run instances, or get new ones, and counts as on. */
function isFencedOff(service: ComputeService): boolean {
  return service.state === 'down' && service.status === 'disabled';
}
