import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const tools = fileURLToPath(new URL('../test/simulators/attrd/', import.meta.url));

/** A simulated cluster: Pacemaker's attribute tools with their state in a directory. */
export interface Cluster {
  readonly directory: string;
  /** Where attrd_updater and the others are, as they run on a node. */
  binOn(node: string): Promise<string>;
  /** A transient node attribute; null when it is not there. */
  transient(name: string, node: string): Promise<string | null>;
  /** A permanent one. */
  permanent(name: string, node: string): Promise<string | null>;
  /** The connection to a node is lost; Pacemaker forgets its transient attributes then, and once more when it is back. */
  lose(node: string): Promise<void>;
  rejoin(node: string): Promise<void>;
}

/** Makes a cluster in a directory of its own. */
export async function startCluster(directory: string, nodes: readonly string[]): Promise<Cluster> {
  await run(join(tools, 'new-cluster'), [directory, ...nodes]);
  const command = async (...args: readonly string[]) => {
    const { stdout } = await run(join(tools, 'sim-cluster'), [directory, ...args]);
    return stdout.trim();
  };
  const ask = async (...args: readonly string[]) => {
    try {
      return await command(...args);
    } catch {
      return null;
    }
  };
  return {
    directory,
    binOn: (node) => command('on', node),
    transient: (name, node) => ask('get', name, node),
    permanent: (name, node) => ask('forever-get', name, node),
    lose: async (node) => {
      await command('leave', node);
    },
    rejoin: async (node) => {
      await command('join', node);
    },
  };
}
