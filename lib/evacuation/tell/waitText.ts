import { timeOfDay } from '../incident/clock.ts';

const pattern = /^(.*), since (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)$/;

/** What stands before a command that ends a wait. */
const remedy = /go on with: /;

/** What is waited for and since when, as `crm_mon -A` shows it. */
export interface WaitText {
  readonly text: string;
  /** Whether this is not what was waited for before, or it names for the first time what ends it. */
  readonly isNew: boolean;
  /** For an exit reason: the time of day is enough there. */
  readonly sentence: string;
}

/**
 * Puts what is waited for together with the time since when. The text shown before (`''`: none) is where that time is
 * kept, so it outlives whoever waits; one that speaks of the same thing, numbers and names aside, goes on counting.
 */
export function waitText(sentence: string, shownBefore: string, now: number): WaitText {
  const [, before, since] = pattern.exec(shownBefore) ?? [];
  const same = before !== undefined && since !== undefined && topicOf(before) === topicOf(sentence);
  const at = same ? Date.parse(since) : now;
  const iso = new Date(at).toISOString().replace(/\.\d+Z$/, 'Z');
  return {
    text: `${sentence}, since ${iso}`,
    isNew: !same || (remedy.test(sentence) && !remedy.test(before)),
    sentence: `${sentence}, since ${timeOfDay(at)}`,
  };
}

/** What a sentence is about: its words up to the first number or list. */
export function topicOf(sentence: string): string {
  return sentence.split(/: | \(|(?<= )\d/, 1)[0]?.trim() ?? sentence;
}
