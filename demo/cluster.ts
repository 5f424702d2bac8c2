import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const tools = fileURLToPath(new URL('../test/simulators/attrd/', import.meta.url));

/** A simulated cluster: Pacemaker's attribute tools with their state in a directory. */
export interface Cluster {
  readonly directory: string;
  /** Where attrd_updater and the others are. */
  readonly bin: string;
  /** A transient node attribute; null when it is not there. */
  transient(name: string, node: string): Promise<string | null>;
  /** A permanent one. */
  permanent(name: string, node: string): Promise<string | null>;
}

/** Makes a cluster in a directory of its own; the first node is the one the agents run on. */
export async function startCluster(directory: string, nodes: readonly string[]): Promise<Cluster> {
  await run(join(tools, 'new-cluster'), [directory, ...nodes]);
  const ask = async (command: string, name: string, node: string) => {
    try {
      const { stdout } = await run(join(tools, 'sim-cluster'), [directory, command, name, node]);
      return stdout.trim();
    } catch {
      return null;
    }
  };
  return {
    directory,
    bin: join(directory, 'bin'),
    transient: (name, node) => ask('get', name, node),
    permanent: (name, node) => ask('forever-get', name, node),
  };
}
