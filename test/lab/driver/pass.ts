import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { waitFor } from './cloud.ts';
import type { Cluster } from './cluster.ts';
import type { Lab } from './scenario.ts';
import { CONTROLLERS, NETNS } from './settings.ts';

/**
 * The pass that runs now on one of this lab's controllers: the process id, seen from the machine, of
 * `NovaEvacuate monitor`. Told from others on the machine (tests, another checkout's lab) by its network namespace.
 */
export function passPid(): number | undefined {
  const ours = new Set(CONTROLLERS.map((node) => `net:[${statSync(`/run/netns/${NETNS}-${node}`).ino}]`));
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const argv = readFileSync(`/proc/${entry}/cmdline`, 'utf8').split('\0');
      const isPass = argv[0]?.endsWith('/NovaEvacuate') && argv[1] === 'monitor';
      if (isPass && ours.has(readlinkSync(`/proc/${entry}/ns/net`))) return Number(entry);
    } catch {
      // The process has ended meanwhile.
    }
  }
  return undefined;
}

const MAINTENANCE = ['crm_resource', '-r', 'nova-evacuate', '--meta', '-p', 'maintenance'];

/**
 * Holds NovaEvacuate's passes back, once one that runs has ended: a resource in maintenance is not monitored. The
 * first one comes when {@link letPasses} is called.
 */
export async function stopPasses(cluster: Cluster): Promise<void> {
  await cluster.ask([...MAINTENANCE, '-v', 'true']);
  await waitFor('the end of the last pass', 30, async () => (passPid() === undefined ? true : undefined));
  await cluster.waitReady(60);
}

export async function letPasses(cluster: Cluster): Promise<void> {
  await cluster.ask([...MAINTENANCE, '-v', 'false']);
}

/** Holds passes back until the function that this gives is called, or the scenario is over. */
export async function holdPasses(lab: Lab): Promise<() => Promise<unknown>> {
  lab.afterwards(() =>
    lab.cluster.ask(['crm_resource', '-r', 'nova-evacuate', '--meta', '-d', 'maintenance']),
  );
  await stopPasses(lab.cluster);
  return () => letPasses(lab.cluster);
}

/** The id of NovaEvacuate's recurring monitor in `cluster/configure`. */
const MONITOR = 'nova-evacuate-monitor-10s';

/** A pass every so often instead of every 10 s, until the scenario ends. */
export async function passEvery(lab: Lab, interval: string): Promise<void> {
  const set = (value: string): Promise<string> =>
    lab.cluster.ask(['cibadmin', '--modify', '-X', `<op id="${MONITOR}" interval="${value}"/>`]);
  await set(interval);
  lab.afterwards(() => set('10s'));
}
