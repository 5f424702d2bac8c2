import { lastWords } from './lastWords.ts';
import type { Found } from './novaCompute.ts';
import type { StateFiles } from './state.ts';

/** Restarts that happen within this time belong together, in ms. */
const windowMs = 600_000;
/** So many of them are worth a look, and with so many nova-compute does not do its work. */
const restartsToSay = 2;
const restartsToFail = 5;
/** Two times of one start may differ by this much, in ms: the kernel tells the boot's time in whole seconds. */
const sameMs = 2_000;

/** A nova-compute that ends again and again, and that something beside Pacemaker starts as often. */
export interface CrashLoop {
  /** Whether it is to be recovered, and to count as a failure, or only to be looked at. */
  readonly failed: boolean;
  readonly sentence: string;
}

/**
 * Whether nova-compute is in a crash loop that `Restart=always`, or a container's restart policy, hides: each look of Pacemaker's
 * finds it running, though never the same one. Keeps when those that were seen had started; `stop` forgets that. Null:
 * it is not, or nobody tells when it was started.
 */
export async function crashLoop(
  files: StateFiles,
  { runtime, state }: Found,
  now: number,
): Promise<CrashLoop | null> {
  if (state.kind !== 'running' || state.since === null) return null;
  const starts = withStart(parse(files.said('starts')), state.since, now);
  files.note('starts', starts.map((at) => String(Math.round(at / 1000))).join(','));
  const restarts = starts.length - 1;
  if (restarts < restartsToSay) return null;
  const words = await lastWords(runtime);
  const said = words === '' ? '' : `: ${words}`;
  return {
    failed: restarts >= restartsToFail,
    sentence: `nova-compute has ended ${restarts} times in ${windowMs / 60_000} minutes, and something beside the cluster started it again (${runtime.title})${said}`,
  };
}

/** The starts within the window, with this one, the oldest first. */
export function withStart(starts: readonly number[], since: number, now: number): readonly number[] {
  const isKnown = starts.some((at) => Math.abs(at - since) <= sameMs);
  return [...starts, ...(isKnown ? [] : [since])]
    .filter((at) => at > now - windowMs || Math.abs(at - since) <= sameMs)
    .sort((a, b) => a - b);
}

function parse(text: string | null): readonly number[] {
  return (text ?? '')
    .split(',')
    .filter((each) => /^\d+$/.test(each))
    .map((each) => Number(each) * 1000);
}
