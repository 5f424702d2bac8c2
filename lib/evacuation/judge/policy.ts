import type { Migration, Server } from '@openstack-ts/nova-client';
import { isUnknown, type Known, type Truth } from '../look/known.ts';
import { evacuableTag, type PolicyFacts, says, type Word } from '../look/policyFacts.ts';
import { isDone } from '../look/records.ts';
import { matches, or, parsePriorities, parseRules, type RuleBook, type Subject } from './criteria.ts';
import { aggregatesOf, extraSpecsOf, subjectOf } from './subject.ts';

/** Which instances are evacuated, in what order, and what happens with those that Nova refuses in their state. */
export interface Policy extends RuleBook {
  /** Instances that are paused, suspended or rescued stay, or are evacuated after their state was reset. */
  readonly otherStates: 'leave' | 'recover';
  /** No image is tagged, so that those that are, and the volumes made from them, are not looked for. */
  readonly noImageTags: boolean;
}

export type Selected =
  | { readonly kind: 'yes' }
  /** It stays; `rule` is what left it, to follow the instance's name and a colon. */
  | { readonly kind: 'no'; readonly rule: string }
  /** Something that it depends on could not be read. */
  | { readonly kind: 'undecided'; readonly reason: string };

/** Reads the parameters; `error` names the parameter, is one sentence and has no full stop. Never throws. */
export function parsePolicy(values: {
  readonly include: string;
  readonly exclude: string;
  readonly priority: string;
  readonly other_states: string;
  readonly no_image_tags?: boolean;
}): { readonly policy: Policy } | { readonly error: string } {
  const include = parseRules(values.include);
  if ('error' in include) return { error: `include: ${include.error}` };
  const exclude = parseRules(values.exclude);
  if ('error' in exclude) return { error: `exclude: ${exclude.error}` };
  const priority = parsePriorities(values.priority);
  if ('error' in priority) return { error: `priority: ${priority.error}` };
  const { other_states: otherStates } = values;
  if (otherStates !== 'leave' && otherStates !== 'recover') {
    return { error: 'other_states must be leave or recover' };
  }
  return {
    policy: {
      include: include.rules,
      exclude: exclude.rules,
      priorities: priority.priorities,
      otherStates,
      noImageTags: values.no_image_tags ?? false,
    },
  };
}

/**
 * Whether an instance is evacuated. What speaks against it always wins; what could speak against it and could not be read leaves
 * it undecided. Where any flavour, image or aggregate of the cloud is tagged, or a rule of include is given, only what is tagged
 * or included is evacuated; where nothing is, all are: the rule of the original agents, which knew flavours and image tags.
 * An instance's own metadata count for itself alone: one tenant cannot switch off the recovery of the others.
 *
 * @param stateIsLost an evacuation has put it into ERROR (`stateIsLost`)
 */
export function select(server: Server, facts: PolicyFacts, policy: Policy, stateIsLost = false): Selected {
  const subject = subjectOf(server, facts, stateIsLost);
  const objections = [...tagObjections(server, facts), ...excludeObjections(subject, policy)];
  const objection = objections.find(({ holds }) => holds === true);
  if (objection !== undefined) return { kind: 'no', rule: objection.rule };
  for (const { holds, rule, doubt } of objections) {
    if (isUnknown(holds)) return { kind: 'undecided', reason: doubt(holds.unknown, rule) };
  }
  const wanted = isWanted(server, subject, facts, policy);
  if (wanted === true) return { kind: 'yes' };
  const selective = isSelective(facts, policy);
  if (selective === false) return { kind: 'yes' };
  // Once all is known it is selective: nobody waits for what does not matter.
  for (const truth of [wanted, selective]) {
    if (isUnknown(truth)) return { kind: 'undecided', reason: truth.unknown };
  }
  return { kind: 'no', rule: policy.include.length > 0 ? notIncluded : notTagged };
}

const notTagged = `neither its flavour (extra spec ${evacuableTag}=true) nor its image (tag ${evacuableTag}) is tagged, others are`;
const notIncluded = `it matches no rule of include and is not tagged ${evacuableTag}`;

/** How much later than its record the fault of a failed evacuation may be noted, in ms. */
const faultMs = 60_000;

/**
 * Whether the state of an instance is what an evacuation has made of it, instead of what it was when its host failed.
 *
 * @param latest the last evacuation of it from its host, of whatever incident
 */
export function isStateLost({ vmState, fault }: Server, latest: Migration | undefined): boolean {
  if (vmState !== 'error' || latest === undefined || isDone(latest)) return false;
  // What broke after that is broken for a reason of its own.
  return (fault?.createdAt ?? 0) <= latest.updatedAt + faultMs;
}

/** Something that speaks against evacuating an instance, if it holds. */
interface Objection {
  readonly holds: Truth;
  readonly rule: string;
  readonly doubt: (unknown: string, rule: string) => string;
}

/** `evacuable=false`, wherever it may stand. */
function tagObjections(server: Server, facts: PolicyFacts): Objection[] {
  const { imageId, flavor } = server;
  const image =
    imageId === null || isUnknown(facts.images.false) ? null : facts.images.false.value.get(imageId);
  const aggregates = aggregatesOf(server, facts);
  const aggregate = isUnknown(aggregates)
    ? undefined
    : aggregates.value.find(({ metadata }) => says(metadata, 'false'));
  const doubt = (unknown: string) => unknown;
  return [
    { holds: says(server.metadata, 'false'), rule: `its metadata say ${evacuableTag}=false`, doubt },
    {
      holds: flavorSays(server, facts, 'false'),
      rule: `its flavour ${flavor.name ?? flavor.id ?? 'of old'} says ${evacuableTag}=false`,
      doubt,
    },
    {
      holds: imageSays(server, facts, 'false'),
      rule:
        imageId === null
          ? `the image that its volume was made from says ${evacuableTag}=false`
          : `its image ${image ?? imageId} says ${evacuableTag}=false`,
      doubt,
    },
    {
      holds: aggregateSays(server, facts, 'false'),
      rule: `its aggregate ${aggregate?.name ?? ''} says ${evacuableTag}=false`,
      doubt,
    },
  ];
}

function excludeObjections(subject: Subject, policy: Policy): Objection[] {
  return policy.exclude.map((rule) => ({
    holds: matches(rule, subject),
    rule: `it matches exclude rule ${rule.text}`,
    doubt: (unknown, text) => `whether ${text} is not known: ${unknown}`,
  }));
}

/** Whether anything speaks for this very instance. */
function isWanted(server: Server, subject: Subject, facts: PolicyFacts, policy: Policy): Truth {
  return or([
    says(server.metadata, 'true'),
    flavorSays(server, facts, 'true'),
    isOfTaggedImage(server, facts),
    imageSays(server, facts, 'true'),
    aggregateSays(server, facts, 'true'),
    ...policy.include.map((rule) => matches(rule, subject, true)),
  ]);
}

/** Whether only what is tagged or included is evacuated. */
function isSelective({ flavors, taggedImages, images, aggregates }: PolicyFacts, { include }: Policy): Truth {
  return or([
    include.length > 0,
    when(flavors, (all) => all.some(({ extraSpecs }) => says(extraSpecs, 'true'))),
    when(taggedImages, (ids) => ids.size > 0),
    when(images.true, (ids) => ids.size > 0),
    when(aggregates, (all) => all.some(({ metadata }) => says(metadata, 'true'))),
  ]);
}

/** The copy in the instance says what it says; that it says nothing proves nothing while the live flavour is not known. */
function flavorSays(server: Server, facts: PolicyFacts, word: Word): Truth {
  const truth = when(extraSpecsOf(server, facts), (specs) => says(specs, word));
  return word === 'true' && truth === false && isUnknown(facts.flavors) ? facts.flavors : truth;
}

/** The property of its image; of an instance that boots from a volume, of the image that the volume was made from. */
function imageSays(server: Server, { images, volumes }: PolicyFacts, word: Word): Truth {
  const { imageId } = server;
  if (imageId !== null) return when(images[word], (ids) => ids.has(imageId));
  return fromVolume(when(volumes, (all) => isAmong(server, all[word])));
}

function isOfTaggedImage(server: Server, { taggedImages, volumes }: PolicyFacts): Truth {
  const { imageId } = server;
  return when(taggedImages, (ids) =>
    imageId !== null
      ? ids.has(imageId)
      : fromVolume(when(volumes, ({ ofTaggedImages }) => isAmong(server, ofTaggedImages))),
  );
}

function aggregateSays(server: Server, facts: PolicyFacts, word: Word): Truth {
  return when(aggregatesOf(server, facts), (all) => all.some(({ metadata }) => says(metadata, word)));
}

function isAmong({ id, volumeIds }: Server, ids: ReadonlySet<string>): boolean {
  return ids.has(id) || volumeIds.some((volume) => ids.has(volume));
}

function fromVolume(truth: Truth): Truth {
  return isUnknown(truth) ? { unknown: `it boots from a volume, and ${truth.unknown}` } : truth;
}

function when<T>(known: Known<T>, truth: (value: T) => Truth): Truth {
  return isUnknown(known) ? known : truth(known.value);
}
