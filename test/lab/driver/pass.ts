import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
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
