import { AttrdError } from '../attrd/errors.ts';
import { type NodeName, nodeName } from '../attrd/names.ts';
import { descendants, parseXmlDocument } from '../attrd/xml.ts';

/** One entry of the fencing history. */
export interface FenceEvent {
  readonly target: NodeName;
  /** `off`, `reboot`, `on`. */
  readonly action: string;
  readonly status: 'success' | 'failed' | 'pending';
  /** Ms since the epoch; null while it is under way. */
  readonly completed: number | null;
}

/** Parses `stonith_admin --history NODE --output-as=xml`: `fence_event` elements below a `list`, which may be empty. */
export async function parseFenceEvents(output: string): Promise<FenceEvent[]> {
  const events: FenceEvent[] = [];
  for (const { attributes } of descendants(await parseXmlDocument(output, 'stonith_admin'), 'fence_event')) {
    const { target, action, status, completed } = attributes;
    if (target === undefined || action === undefined) {
      throw new AttrdError('malformed', 'stonith_admin answered a fencing without a target or an action');
    }
    if (status !== 'success' && status !== 'failed' && status !== 'pending') {
      throw new AttrdError('malformed', `stonith_admin answered a fencing of ${target} that is ${status}`);
    }
    events.push({
      target: nodeName(target),
      action,
      status,
      completed: completed === undefined ? null : timeOf(completed),
    });
  }
  return events;
}

/** `2026-11-21 10:31:28Z` or `2026-11-21 11:31:28 +01:00`, whole seconds or parts of them, as Pacemaker prints it. */
function timeOf(text: string): number {
  const time = Date.parse(
    text
      .trim()
      .replace(' ', 'T')
      .replace(/ (?=[Z+-])/, ''),
  );
  if (Number.isNaN(time)) {
    throw new AttrdError('malformed', `stonith_admin answered a time that is not understood: ${text}`);
  }
  return time;
}
