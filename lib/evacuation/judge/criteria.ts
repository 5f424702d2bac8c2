import { isUnknown, type Known, type Truth } from '../look/known.ts';
import type { PolicyQuestions } from '../look/policyReader.ts';

/**
 * The grammar of rules that pick instances (parameters include, exclude, priority) and what a rule says of one instance.
 *
 *     rules       rules separated by blanks
 *     rule        conditions separated by commas, all of which must hold
 *     condition   name= project= zone= aggregate= flavor= image= state= metadata:KEY= flavor:KEY= image:KEY=, each with a pattern
 *     pattern     text that must fit from end to end; * is any text, ? any character
 *     priority    a rule, a colon and a number from 0 to 1000
 *
 * Blanks and commas separate, so that one within a value is written as `?`. Case counts.
 */

/** False as soon as one is; else what is unknown first; true of none. */
export function and(truths: Iterable<Truth>): Truth {
  let result: Truth = true;
  for (const truth of truths) {
    if (truth === false) return false;
    if (result === true) result = truth;
  }
  return result;
}

/** True as soon as one is; else what is unknown first; false of none. */
export function or(truths: Iterable<Truth>): Truth {
  let result: Truth = false;
  for (const truth of truths) {
    if (truth === true) return true;
    if (result === false) result = truth;
  }
  return result;
}

const plainKinds = ['name', 'project', 'zone', 'aggregate', 'flavor', 'image', 'state'] as const;
const propertyKinds = ['metadata', 'flavor', 'image'] as const;
/** What an instance's vm_state can be (nova/compute/vm_states.py). */
const states = [
  'active',
  'building',
  'deleted',
  'error',
  'paused',
  'rescued',
  'resized',
  'shelved',
  'shelved_offloaded',
  'soft-delete',
  'stopped',
  'suspended',
] as const;
export type PlainKind = (typeof plainKinds)[number];
export type PropertyKind = (typeof propertyKinds)[number];

export type Condition =
  | { readonly on: 'plain'; readonly kind: PlainKind; readonly pattern: string }
  /** A property of the instance, its flavour or its image; the key is exact. */
  | { readonly on: 'property'; readonly kind: PropertyKind; readonly key: string; readonly pattern: string };

export interface Rule {
  /** As it was written. */
  readonly text: string;
  /** At least one. */
  readonly conditions: readonly Condition[];
}

export interface PriorityRule {
  readonly rule: Rule;
  readonly priority: number;
}

/** All the rules there are. */
export interface RuleBook {
  readonly include: readonly Rule[];
  readonly exclude: readonly Rule[];
  readonly priorities: readonly PriorityRule[];
}

/** Names that an instance bears in one respect, as a project has an id and a name. */
export interface Values {
  readonly known: readonly string[];
  /** Why it may have others that are not known; null where these are all. */
  readonly unknown: string | null;
}

/** One instance, as rules see it. */
export interface Subject {
  /**
   * Its state is not what it was when its host failed: an evacuation has put it into ERROR. It was asked for, so that its state then
   * stood for that, whatever it was.
   */
  readonly stateIsLost?: boolean;
  readonly plain: Readonly<Record<PlainKind, Values>>;
  /** Sets of properties; one that is in any of them counts. */
  readonly properties: Readonly<Record<PropertyKind, Known<readonly Readonly<Record<string, string>>[]>>>;
}

export const highestPriority = 1000;

const allowed = `allowed are ${plainKinds.map((kind) => `${kind}=`).join(', ')}, ${propertyKinds
  .map((kind) => `${kind}:KEY=`)
  .join(', ')}, joined by commas`;

/** Reads the rules of include or exclude; none in an empty text. Never throws; `error` is a sentence without a full stop. */
export function parseRules(text: string): { readonly rules: readonly Rule[] } | { readonly error: string } {
  const rules: Rule[] = [];
  for (const word of words(text)) {
    const rule = parseRule(word);
    if ('error' in rule) return { error: `rule ${shown(word)} ${rule.error}` };
    rules.push(rule);
  }
  return { rules };
}

/** Reads the rules of priority: the number follows the last colon, as keys of properties have colons themselves. */
export function parsePriorities(
  text: string,
): { readonly priorities: readonly PriorityRule[] } | { readonly error: string } {
  const priorities: PriorityRule[] = [];
  for (const word of words(text)) {
    const colon = word.lastIndexOf(':');
    const priority = parsePriority(word.slice(colon + 1));
    if (colon < 0 || priority === null) {
      return {
        error: `rule ${shown(word)} does not end in a colon and a number from 0 to ${highestPriority}, as in project=gold:900`,
      };
    }
    const rule = parseRule(word.slice(0, colon));
    if ('error' in rule) return { error: `rule ${shown(word)} ${rule.error}` };
    priorities.push({ rule, priority });
  }
  return { priorities };
}

/** A whole number from 0 to 1000; null for anything else. */
export function parsePriority(text: string): number | null {
  if (!/^\d{1,4}$/.test(text)) return null;
  const number = Number(text);
  return number <= highestPriority ? number : null;
}

function parseRule(text: string): Rule | { readonly error: string } {
  const conditions: Condition[] = [];
  for (const part of text.split(',')) {
    const condition = parseCondition(part);
    if ('error' in condition) return condition;
    conditions.push(condition);
  }
  return { text, conditions };
}

function parseCondition(text: string): Condition | { readonly error: string } {
  if (text === '') return { error: `has an empty condition; ${allowed}` };
  const equals = text.indexOf('=');
  if (equals < 0) return { error: `has the condition ${shown(text)} without "="; ${allowed}` };
  const what = text.slice(0, equals);
  const pattern = text.slice(equals + 1);
  if (pattern === '') return { error: `says nothing after ${shown(`${what}=`)}; * stands for any text` };
  const colon = what.indexOf(':');
  if (colon < 0) {
    const kind = plainKinds.find((one) => one === what);
    if (kind === undefined) return { error: `has the unknown condition ${shown(what)}; ${allowed}` };
    if (kind === 'state' && !states.some((state) => fits(pattern, state))) {
      return { error: `names no state of Nova's in ${shown(text)}; states are ${states.join(', ')}` };
    }
    return { on: 'plain', kind, pattern };
  }
  const kind = propertyKinds.find((one) => one === what.slice(0, colon));
  const key = what.slice(colon + 1);
  if (kind === undefined) return { error: `has the unknown condition ${shown(what)}; ${allowed}` };
  if (key === '') return { error: `names no property in ${shown(`${what}=`)}; ${allowed}` };
  return { on: 'property', kind, key, pattern };
}

/**
 * Whether all conditions of a rule hold; one that certainly does not settles it, whatever is unknown besides.
 *
 * @param forIt whether the rule speaks for evacuating: what a condition on a state that is lost amounts to
 */
export function matches(rule: Rule, subject: Subject, forIt = false): Truth {
  return and(rule.conditions.map((condition) => holds(condition, subject, forIt)));
}

function holds(condition: Condition, subject: Subject, forIt: boolean): Truth {
  const { pattern } = condition;
  if (condition.kind === 'state' && subject.stateIsLost === true) return forIt;
  if (condition.on === 'property') {
    const { key } = condition;
    const sets = subject.properties[condition.kind];
    if (isUnknown(sets)) return sets;
    return sets.value.some((set) => Object.hasOwn(set, key) && fits(pattern, set[key] ?? ''));
  }
  const { known, unknown } = subject.plain[condition.kind];
  if (known.some((value) => fits(pattern, value))) return true;
  // The ids are known, and a name that looks like one is none.
  return unknown === null || isId(pattern) ? false : { unknown };
}

/** Whether a pattern is an id of OpenStack (a uuid, with or without dashes) and no name. */
export function isId(pattern: string): boolean {
  return /^[0-9a-f]{8}(-?)[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}$/.test(pattern);
}

/** Whether a text fits a pattern from end to end. In steps of at most the product of both lengths, whatever is in them. */
function fits(pattern: string, text: string): boolean {
  const wanted = [...pattern];
  const given = [...text];
  let at = 0;
  let star = -1;
  let starAt = 0;
  for (let index = 0; index < given.length; ) {
    if (wanted[at] === '*') {
      star = at;
      starAt = index;
      at += 1;
    } else if (at < wanted.length && (wanted[at] === '?' || wanted[at] === given[index])) {
      at += 1;
      index += 1;
    } else if (star >= 0) {
      // The last star takes one character more.
      at = star + 1;
      starAt += 1;
      index = starAt;
    } else {
      return false;
    }
  }
  while (wanted[at] === '*') at += 1;
  return at === wanted.length;
}

/** What has to be read of the cloud for these rules. */
export function questionsOf(rules: RuleBook & { readonly noImageTags?: boolean }): PolicyQuestions {
  const conditions = [
    ...rules.include,
    ...rules.exclude,
    ...rules.priorities.map(({ rule }) => rule),
  ].flatMap((rule) => rule.conditions);
  return {
    aggregates: conditions.some(({ kind }) => kind === 'aggregate'),
    projectNames: conditions.some(asksForProjectName),
    imageTags: rules.noImageTags !== true,
    images: conditions.some(asksForImage),
    volumeImages: conditions.some(({ kind }) => kind === 'image'),
  };
}

function asksForImage(condition: Condition): boolean {
  return condition.kind === 'image' && !(condition.on === 'plain' && isId(condition.pattern));
}

function asksForProjectName({ kind, pattern }: Condition): boolean {
  return kind === 'project' && !isId(pattern);
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

/** A text of somebody else's as it may appear in a sentence: short, quoted, without control characters. */
export function shown(text: string): string {
  const line = [...text].map((char) => (/\p{C}/u.test(char) ? '?' : char));
  return `"${line.length > 80 ? `${line.slice(0, 80).join('')}…` : line.join('')}"`;
}
