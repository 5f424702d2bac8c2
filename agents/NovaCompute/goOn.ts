import type { ComeBackOutcome } from '../../lib/evacuation/index.ts';
import type { OcfContext } from '../../lib/ocf/index.ts';
import { type Found, readConf } from './novaCompute.ts';
import { type StateFiles, sayOnce } from './state.ts';
import { walkMs } from './timing.ts';
import { settle, walk } from './walk.ts';
import type { World } from './world.ts';

/** A walk that does not keep to its bounds is left behind after this much more, in ms. */
const graceMs = 1_000;

/** A piece of the release. What stands against it, a defect of ours too, is said, once; the next monitor tries again. */
export async function goOn(ctx: OcfContext, world: World, files: StateFiles, found: Found): Promise<void> {
  const tooLate = world.clock.sleep(walkMs(ctx) + graceMs).then(() => null);
  try {
    const outcome = await Promise.race([walkOn(ctx, world, found), tooLate]);
    if (outcome === null) throw new Error('the cluster or Nova did not answer in time');
    if (outcome.kind === 'released') {
      settle(ctx, outcome);
      files.note('release', null);
    } else {
      files.owe();
      ctx.exitReason(outcome.sentence);
    }
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/\.$/, '') : String(error);
    sayOnce(files, 'release', `The release of this host could not go on: ${why}.`, ctx.log.warn);
  }
}

async function walkOn(ctx: OcfContext, world: World, { runtime }: Found): Promise<ComeBackOutcome> {
  const deadline = world.clock.now() + walkMs(ctx);
  const [node, { name }] = await Promise.all([world.nodeName(), readConf(runtime, world)]);
  const times = { startBy: 0, releaseMs: walkMs(ctx), deadline };
  return walk(ctx, world, { runtime, node, name }, times);
}
