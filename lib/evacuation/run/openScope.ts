import { type Incident, type MarkName, nodeName } from '../../attrd/index.ts';
import { doubtOfOwnView, type NodesReading } from '../../cluster/index.ts';
import { EvacuationQueue } from '../decide/queue.ts';
import { RoomPlan } from '../decide/roomPlan.ts';
import { Throttle } from '../decide/throttle.ts';
import { ClaimKeeper } from '../incident/claims.ts';
import { questionsOf } from '../judge/criteria.ts';
import { CloudFacts } from '../look/cloudFacts.ts';
import { Fencings } from '../look/fencings.ts';
import { ReturnWatch } from '../look/returnWatch.ts';
import { inOneSpelling } from '../look/spelling.ts';
import { turnstile } from '../look/turnstile.ts';
import { HostNames } from './hostNames.ts';
import type { PassOptions } from './passOptions.ts';
import type { PassScope } from './passScope.ts';

/**
 * Requests to evacuate on their way at the same time. More would wait for each other in Nova's API, and their answers would
 * tell how many there are instead of how much Nova bears.
 */
const postsAtOnce = 6;

/** What the supervisor adds to what all hosts of a pass have in common. */
export interface PassBounds
  extends Pick<PassScope, 'lingerUntil' | 'reportBy' | 'gate' | 'turns' | 'othersAtWork'> {
  readonly deadline: number;
  /** The last incident of each node that has one. */
  readonly incidents: () => ReadonlyMap<MarkName, Incident>;
  readonly readNodes: () => Promise<NodesReading>;
}

/** Logs in, and puts together what all hosts of a pass have in common. */
export async function openScope(options: PassOptions, bounds: PassBounds): Promise<PassScope> {
  const { connect, readHostMap, marks, me, dnsDomain, clock, log, settings, policy, report, hints } = options;
  const { showProgress, readPulses, keepHints } = options;
  const { deadline, readNodes, lingerUntil, reportBy, gate, turns, othersAtWork } = bounds;
  const [connected, hostMap] = await Promise.all([connect(deadline), readHostMap()]);
  const nova = inOneSpelling(connected);
  const now = () => clock.now();
  const callOptions = { deadline };
  const cloud = new CloudFacts(nova, questionsOf(policy), now, callOptions);
  const throttle = new Throttle(settings.concurrency, now, hints.throttle);
  const claims = new ClaimKeeper(
    marks,
    me,
    clock,
    async () => doubtOfOwnView(await readNodes(), nodeName(me)),
    (error) =>
      log.warn(`A claim could not be refreshed: ${error instanceof Error ? error.message : String(error)}.`),
  );
  const names = new HostNames(cloud, hostMap, dnsDomain);
  return {
    me,
    nova,
    marks,
    cloud,
    names,
    fencings: new Fencings({
      incidents: bounds.incidents,
      readFencing: options.readFencing,
      hostOf: (node) => names.hostOf(node),
      nodesOf: (host) => names.nodesOf(host),
      now,
      clockOffsetMs: () => nova.clockOffsetMs,
    }),
    claims,
    throttle,
    inTurn: turnstile(postsAtOnce),
    backOff: hints.backOff,
    queue: new EvacuationQueue(() => throttle.limit, settings.concurrency, now),
    room: new RoomPlan((maxAgeMs) => cloud.capacity(maxAgeMs)),
    returns: new ReturnWatch(readPulses, readNodes, clock),
    clock,
    log,
    report,
    settings,
    policy,
    lingerUntil,
    reportBy,
    callOptions,
    keepHints,
    showProgress,
    gate,
    turns,
    othersAtWork,
  };
}
