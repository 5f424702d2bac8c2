import { type OcfIo, runAgent } from '../../lib/ocf/index.ts';
import { novaCompute } from './agent.ts';

/** Runs one action of NovaCompute and gives its exit code; `argv` is what follows the program's name. */
export function run(argv: readonly string[], env: NodeJS.ProcessEnv, io: OcfIo): Promise<number> {
  return runAgent(novaCompute, argv, env, io);
}
