import type { FenceAgent, FenceContext, FenceExit } from '../../lib/fencing/index.ts';
import { checkNames } from './names.ts';
import { actions, defaultAction, doesNothing, options } from './options.ts';
import type { World } from './world.ts';

/** How the agent reaches the world outside, and checks what would lead there without touching it. */
export interface Wiring {
  readonly version: string;
  readonly createWorld: (ctx: FenceContext) => Promise<World>;
  /** Throws when the connection's options cannot work. */
  readonly checkConnection: (ctx: FenceContext) => Promise<void>;
}

/**
 * fence_compute, the second device of a fencing level: when the power device has switched a compute node off, it marks
 * the node for evacuation and tells Nova that the host is down. Each action is loaded when it is called.
 */
export function fenceCompute(wiring: Wiring): FenceAgent {
  return {
    name: 'fence_compute',
    version: wiring.version,
    shortdesc: 'Fence agent for the automatic resurrection of OpenStack compute instances',
    longdesc:
      'Used as the second device of a fencing level, after a power device: marks the compute node for evacuation by NovaEvacuate and tells Nova that the host is down. Gives the host back to Nova when the node returns.',
    options,
    actions,
    defaultAction,
    inert: (ctx) => doesNothing(ctx.options),
    check: async (ctx) => {
      checkNames(ctx);
      await wiring.checkConnection(ctx);
    },
    act: async (ctx) => act(ctx, await wiring.createWorld(ctx)),
  };
}

async function act(ctx: FenceContext, world: World): Promise<FenceExit> {
  for (const option of ['instance_filtering', 'no_shared_storage', 'retry_on']) {
    if (ctx.options.given(option))
      ctx.log.debug(`${option} is accepted for old configurations and has no effect here.`);
  }
  switch (ctx.action) {
    case 'off':
      return (await import('./off.ts')).off(ctx, world).then((code) => powerWait(ctx, world, code));
    case 'on':
      return (await import('./on.ts')).on(ctx, world).then((code) => powerWait(ctx, world, code));
    case 'status':
      return (await import('./status.ts')).status(ctx, world);
    case 'monitor':
      return (await import('./monitor.ts')).monitor(ctx, world);
    case 'list':
    case 'list-status':
      return (await import('./list.ts')).list(ctx, world);
    default:
      throw new Error(`fence_compute declares the action ${ctx.action} and does not handle it`);
  }
}

async function powerWait(ctx: FenceContext, world: World, code: FenceExit): Promise<FenceExit> {
  const seconds = Math.min(Math.max(ctx.options.number('power_wait'), 0), 86_400);
  if (seconds > 0) await world.sleep(seconds * 1000);
  return code;
}
