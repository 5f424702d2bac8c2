import { judgeWords, type MarkName, type MarksReading, nodeOfMark } from '../../lib/attrd/index.ts';
import { formatHints, type Hints, newHostHints, parseHints } from '../../lib/evacuation/run/hints.ts';
import type { OcfContext } from '../../lib/ocf/index.ts';
import { systemClock } from '../shared/systemClock.ts';
import { pauseSentence } from './pauseSentence.ts';
import { clearProgress, clearReturn } from './progressAttribute.ts';

/** What an idle pass has to show, if anything. */
export interface IdleFinding {
  readonly sentence: string;
  readonly alreadyLogged: boolean;
}

/**
 * `marks` null: not known, so that none counts as gone. Of those that are not to be seen only the ones that a second look,
 * from a partition that can tell, does not show either count as gone: `lookAgain`, null where nobody can tell.
 */
type Reading = Pick<MarksReading, 'words'> & { readonly marks: MarksReading['marks'] | null };

/**
 * What changed since the last pass although nothing is to be evacuated: hosts whose mark is gone are taken down from what
 * is shown and reported as released; a pause is shown as long as it lasts, and logged when it begins and ends. `keep` is
 * called where the hints have changed.
 */
export async function lookAround(
  ctx: OcfContext,
  reading: Reading,
  text: string,
  keep: (text: string) => void,
  lookAgain: () => Promise<MarksReading['marks'] | null>,
): Promise<IdleFinding | null> {
  const hints = parseHints(text);
  const gone = goneNames(hints, reading.marks).length === 0 ? [] : goneNames(hints, await lookAgain());
  if (gone.length > 0) await takeDown(ctx, hints, gone);
  // Nothing is open any more that a later pass could find unchanged.
  const wasOpen = hints.said['reason'] !== undefined;
  delete hints.said['reason'];
  const before = hints.said['pause'];
  const sentence = reading.words.length === 0 ? null : pauseSentence(judgeWords(reading.words));
  if (sentence !== null) hints.said['pause'] = sentence;
  else delete hints.said['pause'];
  if (before !== undefined && sentence === null) ctx.log.notice('Evacuations are no longer paused.');
  if (gone.length > 0 || wasOpen || before !== hints.said['pause']) keep(formatHints(hints));
  return sentence === null ? null : { sentence, alreadyLogged: before === sentence };
}

function goneNames(hints: Hints, marks: Reading['marks']): readonly MarkName[] {
  if (marks === null) return [];
  const marked = new Set(marks.map(({ name }) => name));
  return [...hints.keys()].filter((name) => !marked.has(name));
}

/** Marks were removed by NovaCompute, which has taken its host back, or by an operator. */
async function takeDown(ctx: OcfContext, hints: Hints, gone: readonly MarkName[]): Promise<void> {
  const { openReporter } = await import('./openReporter.ts');
  const reporter = openReporter(ctx, hints);
  const at = systemClock.now();
  for (const name of gone) {
    const incident = hints.get(name)?.incident ?? null;
    if (incident !== null) {
      const sentence = `${name} bears no mark any more: its node is back in service, or an operator has removed it`;
      reporter.event({ about: 'host', at, ...incident, what: 'released', sentence });
    }
    // What cannot be taken down now is taken down by the next pass.
    const isCleared = (await clearProgress(ctx, name)) && (await clearReturn(ctx, nodeOfMark(name)));
    if (isCleared) hints.delete(name);
    else hints.set(name, newHostHints(0));
  }
  reporter.figures({
    at,
    inFlight: 0,
    queued: 0,
    deferred: 0,
    deferredHosts: 0,
    failed: 0,
    concurrency: hints.throttle?.limit ?? 0,
    requests: 0,
    apiErrors: {},
  });
  await reporter.close();
}
