import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execArgv } from './singleExecutable.ts';

/** What runs all the time, and therefore shall find its code compiled. */
const runs: readonly Run[] = [
  { agent: 'NovaEvacuate', args: ['meta-data'] },
  { agent: 'NovaEvacuate', args: ['start'] },
  { agent: 'NovaEvacuate', args: ['monitor'] },
  { agent: 'NovaCompute', args: ['meta-data'] },
  // nova-compute does not run where this is built, most probably.
  { agent: 'NovaCompute', args: ['monitor'], ends: [0, 7] },
  { agent: 'fence_compute', args: ['-o', 'metadata'] },
];

interface Run {
  readonly agent: string;
  readonly args: readonly string[];
  /** The exit codes that are right; 0 alone when absent. */
  readonly ends?: readonly number[];
}

/** Pacemaker's tools, as they answer in a cluster in which nothing was ever fenced. */
const tools = {
  attrd_updater: `echo '<pacemaker-result api-version="2.25"><status code="78" message="Invalid configuration"><errors>\
<error>attrd_updater: Could not query value of evacuate: attribute does not exist</error></errors></status>\
</pacemaker-result>'; exit 78`,
  cibadmin: `echo '<nodes><node id="1" uname="ctl0"/></nodes>'`,
};

/**
 * Compiles the bundle, runs what an idle cluster runs, and gives the code that V8 compiled for it, which the loader
 * hands back to V8. Saves about a sixth of an idle monitor. Only this Node, on this architecture, accepts it.
 *
 * @param bundle file of the bundle
 * @param work a directory for intermediate files
 * @throws Error when one of the runs fails, as then the cache would lack what matters
 */
export function makeCodeCache(bundle: string, work: string): Buffer {
  const bin = join(work, 'bin');
  mkdirSync(bin);
  for (const [tool, script] of Object.entries(tools)) {
    writeFileSync(join(bin, tool), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  const cache = join(work, 'agents.cache');
  for (const { agent, args, ends } of runs) {
    const warmUp = join(import.meta.dirname, 'warmUp.cjs');
    const result = spawnSync(process.execPath, [...execArgv, warmUp, bundle, cache, ...args], {
      argv0: agent,
      encoding: 'utf8',
      env: {
        PATH: `${bin}:/usr/bin:/bin`,
        HA_RSCTMP: work,
        OCF_RESOURCE_INSTANCE: 'build',
        OCF_RESKEY_auth_url: 'http://127.0.0.1:9/v3',
        OCF_RESKEY_username: 'build',
        OCF_RESKEY_password: 'build',
        OCF_RESKEY_tenant_name: 'build',
        OCF_RESKEY_runtime: 'process',
      },
    });
    if (result.status === null || !(ends ?? [0]).includes(result.status)) {
      throw new Error(
        `${agent} ${args.join(' ')} ended with ${result.status} in the build: ${result.stderr}`,
      );
    }
  }
  return readFileSync(cache);
}
