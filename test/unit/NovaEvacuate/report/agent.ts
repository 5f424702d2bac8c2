import { run } from '../../../../agents/NovaEvacuate/main.ts';

/** NovaEvacuate from its sources, as a process: what a reporter under test starts instead of the binary. */
process.exit(await run(process.argv.slice(2), process.env, process));
