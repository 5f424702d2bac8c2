import { type OcfIo, runAgent } from '../../lib/ocf/index.ts';
import { novaEvacuate } from './agent.ts';

/** Runs one action of NovaEvacuate and gives its exit code; `argv` is what follows the program's name. */
export function run(argv: readonly string[], env: NodeJS.ProcessEnv, io: OcfIo): Promise<number> {
  return runAgent(novaEvacuate, argv, env, io);
}
