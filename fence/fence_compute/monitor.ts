import { type FenceContext, FenceExit } from '../../lib/fencing/index.ts';
import { lookDeadline } from './timing.ts';
import type { World } from './world.ts';

/** Succeeds when fencing could work: Keystone lets us in and Nova tells its compute services. Throws `NovaError`. */
export async function monitor(ctx: FenceContext, world: World): Promise<FenceExit> {
  const deadline = lookDeadline(ctx);
  const nova = await world.connect(deadline);
  await nova.listComputeServices({ deadline });
  return FenceExit.success;
}
