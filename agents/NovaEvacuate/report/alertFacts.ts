import type { EvacuationEvent } from '../../../lib/evacuation/tell/events.ts';
import { version } from '../../../lib/version.ts';
import type { AlertFacts } from './alertSpool.ts';
import { incidentId, isoTime, outcome } from './incident.ts';

/** What one variable may take, in characters; the kernel's own bound is 128 KiB. */
const maxText = 4_000;

/**
 * What the alert program is told of an event, in its environment; null for an event that raises no alert. All variables
 * are always there, empty where they do not apply.
 */
export function alertFacts(event: EvacuationEvent, node: string): AlertFacts | null {
  if (event.about === 'host' && (event.what === 'claimed' || event.what === 'resumed')) return null;
  if (event.about === 'instance' && event.what === 'requested') return null;
  const instance = event.about === 'instance' ? event : null;
  const counts = event.about === 'host' ? event.counts : undefined;
  const facts: Record<string, string | number | null | undefined> = {
    KIND: event.about,
    WHAT: event.what,
    TIME: isoTime(event.at),
    HOST: event.host,
    INCIDENT: incidentId(event),
    INSTANCE_ID: instance?.id,
    INSTANCE_NAME: instance?.name,
    OUTCOME: instance && outcome(instance),
    DESTINATION: instance?.destination,
    ATTEMPT: instance?.attempt,
    REQUEST_ID: instance?.requestId,
    DURATION: typeof instance?.durationMs === 'number' ? (instance.durationMs / 1000).toFixed(1) : null,
    TOTAL: counts?.total,
    DONE: counts?.done,
    FAILED: counts?.failed,
    LEFT: counts?.left,
    SENTENCE: event.sentence,
    NODE: node,
    VERSION: version,
  };
  return Object.fromEntries(
    Object.entries(facts).map(([name, value]) => [`OS_ALERT_${name}`, clean(String(value ?? ''))]),
  );
}

/** One line without control characters: names of instances are their owners' choice. */
function clean(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  return text.replace(/[\u0000-\u001f\u007f\u2028\u2029]+/g, ' ').slice(0, maxText);
}
