import type { Server } from '@openstack-ts/nova-client';
import { highestPriority, matches, parsePriority, type Subject, shown } from '../judge/criteria.ts';
import type { Policy } from '../judge/policy.ts';
import { extraSpecsOf, subjectOf } from '../judge/subject.ts';
import { isUnknown } from '../look/known.ts';
import type { PolicyFacts } from '../look/policyFacts.ts';

/** When an instance's turn is. */
export interface Rank {
  /** From 0 to 1000; higher comes first. */
  readonly priority: number;
  /** Instances of a group are started before those of the next group of their project; null: of no group. */
  readonly group: string | null;
  /** What was ignored, in a sentence without a full stop, to follow the instance's name and a colon. */
  readonly note?: string;
}

const priorityKey = 'evacuation_priority';
const groupKey = 'evacuation_group';
const usualPriority = 500;

/**
 * The first rule of `priority` that matches; else what the instance's metadata say, which its owner sets; else its flavour; else
 * 500. An order is never worth waiting for: what is not known, or is no number, is ignored and named.
 */
export function rank(server: Server, facts: PolicyFacts, policy: Policy, stateIsLost = false): Rank {
  const notes: string[] = [];
  const subject = subjectOf(server, facts, stateIsLost);
  const priority =
    priorityByRule(subject, policy, notes) ?? priorityByProperty(server, facts, notes) ?? usualPriority;
  const name = server.metadata[groupKey]?.trim() ?? '';
  const group = name === '' ? null : `${server.projectId ?? ''}/${name}`;
  return notes.length === 0 ? { priority, group } : { priority, group, note: notes.join('; ') };
}

function priorityByRule(subject: Subject, policy: Policy, notes: string[]): number | null {
  for (const { rule, priority } of policy.priorities) {
    const truth = matches(rule, subject);
    if (truth === true) return priority;
    if (isUnknown(truth)) notes.push(`priority rule ${rule.text} is ignored for it: ${truth.unknown}`);
  }
  return null;
}

function priorityByProperty(server: Server, facts: PolicyFacts, notes: string[]): number | null {
  const extraSpecs = extraSpecsOf(server, facts);
  const sources = [
    ['its metadata', server.metadata],
    ['its flavour', isUnknown(extraSpecs) ? {} : extraSpecs.value],
  ] as const;
  for (const [whose, properties] of sources) {
    const text = properties[priorityKey];
    if (text === undefined) continue;
    const priority = parsePriority(text.trim());
    if (priority !== null) return priority;
    notes.push(
      `${priorityKey} of ${whose} is ${shown(text)} and is ignored, it must be a number from 0 to ${highestPriority}`,
    );
  }
  return null;
}
