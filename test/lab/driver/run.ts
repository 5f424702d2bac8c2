import { readdirSync } from 'node:fs';
import { Cloud } from './cloud.ts';
import { Cluster } from './cluster.ts';
import { DomainWatch } from './domains.ts';
import { reset } from './lab.ts';
import { Lab, type Scenario } from './scenario.ts';
import { LAB } from './settings.ts';
import { sleep } from './time.ts';
import { Timeline } from './timeline.ts';

/**
 * Runs scenarios one after the other and prints TAP: time lines as comments, one line with the verdict for each, and
 * at the end how many passed and failed. Runs inside the cloud's network (`test/lab/run` sees to that).
 */

const directory = `${LAB}/scenarios`;
const known = readdirSync(directory)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.replace(/\.ts$/, ''))
  .sort();

const asked = process.argv.slice(2);
/** A number names one scenario (2: 2a and 2b), anything else is the beginning of a name. */
const names = (word: string, name: string): boolean =>
  /^\d+$/.test(word) ? new RegExp(`^${word}(?!\\d)`).test(name) : name.startsWith(word);
const chosen = asked.length === 0 ? known : known.filter((name) => asked.some((word) => names(word, name)));
const unknown = asked.filter((word) => !known.some((name) => names(word, name)));
if (unknown.length > 0) {
  console.error(`no scenario ${unknown.join(', ')}; there are: ${known.join(', ')}`);
  process.exit(64);
}

const message = (error: unknown): string => (error instanceof Error ? error.message : String(error));

async function load(name: string): Promise<Scenario> {
  const module: { default: Scenario } = await import(`${directory}/${name}.ts`);
  return module.default;
}

interface Outcome {
  /** Why it failed; none when it passed. */
  readonly reasons: readonly string[];
  /** It broke down before it had injected or judged anything: a boot of its instances failed, say. */
  readonly testedNothing: boolean;
}

async function play(scenario: Scenario, cloud: Cloud, cluster: Cluster): Promise<Outcome> {
  try {
    await reset(cloud, cluster);
  } catch (error) {
    return { reasons: [`the lab could not be made ready: ${message(error)}`], testedNothing: true };
  }
  const timeline = new Timeline();
  const domains = new DomainWatch((text) => {
    if (scenario.machinesDie !== false) timeline.add('domains', text);
  });
  const lab = new Lab(cloud, cluster, domains, timeline);
  timeline.start();
  domains.start();
  try {
    const limit = sleep(scenario.seconds * 1000).then(() => {
      throw new Error(`it took longer than ${scenario.seconds} s`);
    });
    limit.catch(() => undefined);
    await Promise.race([scenario.run(lab), limit]);
    if (scenario.machinesDie !== false) lab.judgeDomains();
  } catch (error) {
    lab.failures.push(message(error));
  } finally {
    for (const undo of lab.undo) await undo().catch((error: unknown) => lab.failures.push(message(error)));
    domains.stop();
    timeline.stop();
  }
  return { reasons: lab.failures, testedNothing: lab.failures.length > 0 && !lab.hasTested };
}

/** When no scenario is begun any more, in ms since the epoch: a run that is cut off has told nothing. */
const until = Number(process.env['LAB_UNTIL'] || Number.POSITIVE_INFINITY) * 1000;
if (Number.isNaN(until)) {
  console.error(`LAB_UNTIL is "${process.env['LAB_UNTIL']}", which is no time in seconds since the epoch`);
  process.exit(64);
}

const cloud = new Cloud();
const cluster = new Cluster();
let failed = 0;
let passed = 0;
console.log(`1..${chosen.length}`);
for (const [index, name] of chosen.entries()) {
  const scenario = await load(name);
  if (Date.now() > until) {
    console.log(`ok ${index + 1} - ${name} # SKIP not run: out of time`);
    continue;
  }
  console.log(`# ---- ${name}: ${scenario.title}`);
  const begin = Date.now();
  let { reasons, testedNothing } = await play(scenario, cloud, cluster);
  if (reasons.length > 0 && testedNothing) {
    for (const reason of reasons) console.log(`# once more, as nothing was tested yet: ${reason}`);
    ({ reasons, testedNothing } = await play(scenario, cloud, cluster));
  }
  const seconds = Math.round((Date.now() - begin) / 1000);
  if (reasons.length > 0) failed += 1;
  else passed += 1;
  for (const reason of reasons) console.log(`# because: ${reason}`);
  console.log(
    `${reasons.length === 0 ? 'ok' : 'not ok'} ${index + 1} - ${name} # ${reasons.length === 0 ? 'PASS' : 'FAIL'} ${seconds} s`,
  );
}
const late = chosen.length - passed - failed;
console.log(`# ${passed} passed, ${failed} failed${late === 0 ? '' : `, ${late} not run: out of time`}`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
