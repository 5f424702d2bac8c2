import { readdirSync, readFileSync } from 'node:fs';

/** The pass that runs now, wherever it runs: the process id, seen from the machine, of `NovaEvacuate monitor`. */
export function passPid(): number | undefined {
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const argv = readFileSync(`/proc/${entry}/cmdline`, 'utf8').split('\0');
      if (argv[0]?.endsWith('/NovaEvacuate') && argv[1] === 'monitor') return Number(entry);
    } catch {
      // The process has ended meanwhile.
    }
  }
  return undefined;
}
