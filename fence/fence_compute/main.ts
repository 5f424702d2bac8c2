import { type FenceIo, runFenceAgent } from '../../lib/fencing/index.ts';
import { version } from '../../lib/version.ts';
import { fenceCompute } from './agent.ts';

/**
 * Runs one call of fence_compute and gives its exit code; `argv` is what follows the program's name. What leads to
 * Pacemaker and to Nova is loaded only when an action needs it: metadata are asked for often, and by everyone.
 */
export function run(argv: readonly string[], env: NodeJS.ProcessEnv, io: FenceIo): Promise<number> {
  const agent = fenceCompute({
    version,
    createWorld: async (ctx) => (await import('./wiring.ts')).createWorld(ctx, io.stderr),
    checkConnection: async (ctx) => (await import('./wiring.ts')).checkConnection(ctx),
  });
  return runFenceAgent(agent, argv, env, io);
}
