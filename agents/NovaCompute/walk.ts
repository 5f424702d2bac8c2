import type { NodeName } from '../../lib/attrd/index.ts';
import type { ComeBackOutcome } from '../../lib/evacuation/index.ts';
import type { OcfContext } from '../../lib/ocf/index.ts';
import type { NovaHostName } from './hostName.ts';
import { managedCompute } from './managedCompute.ts';
import type { Runtime } from './runtime/types.ts';
import { StateFiles } from './state.ts';
import type { World } from './world.ts';

/** The machine as a walk needs it. */
export interface Walker {
  readonly runtime: Runtime;
  readonly node: NodeName;
  readonly name: NovaHostName;
}

/** How long, in ms (`releaseMs`) and until when, in ms since the epoch; see `ComeBackOptions`. */
export interface WalkTimes {
  readonly startBy: number;
  readonly releaseMs: number;
  readonly deadline: number;
}

/** Walks the way back of this host as far as the time allows. Throws `ComputeError` and {@link StateDirectoryError}. */
export function walk(
  ctx: OcfContext,
  world: World,
  walker: Walker,
  times: WalkTimes,
): Promise<ComeBackOutcome> {
  const files = new StateFiles(ctx);
  return world.comeBack({
    node: walker.node,
    host: walker.name.host,
    dnsDomain: ctx.parameters.given('domain') ? ctx.parameters.string('domain') : undefined,
    marks: world.marks,
    readNodes: () => world.readNodes(),
    attributes: world.attributes,
    connect: world.connect,
    compute: managedCompute({
      runtime: walker.runtime,
      clock: world.clock,
      log: ctx.log,
      until: times.deadline,
      beforeLaunch: () => {
        try {
          files.owe();
        } catch (cause) {
          throw new StateDirectoryError(ctx.stateDir, cause);
        }
      },
    }),
    clock: world.clock,
    log: ctx.log,
    ...times,
  });
}

/**
 * Keeps that nothing is owed any more, and says what was done. What needs somebody to look at it is noted, so that a
 * monitor can show it. What is left shown of the return is taken down by the next one.
 */
export function settle(
  ctx: OcfContext,
  { sentence, troubled, leftShown }: Extract<ComeBackOutcome, { kind: 'released' }>,
): void {
  const files = new StateFiles(ctx);
  if (leftShown) files.owe();
  else files.settle();
  if (sentence === null) return;
  if (troubled) {
    ctx.log.warn(sentence);
    files.note('attention', sentence);
  } else {
    ctx.log.notice(sentence);
  }
}

/** Without its file a release that a SIGKILL cut off would be forgotten, so nova-compute is not started. */
export class StateDirectoryError extends Error {
  override readonly name = 'StateDirectoryError';

  constructor(directory: string, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(`Invalid state directory ${directory}: nova-compute is not started (${why})`, { cause });
  }
}
