/** Every duration and bound of an evacuation, in ms unless the name says otherwise, with the reason for it. */
export const pacing = {
  /** A claim not refreshed for this long is dead: the value the original agents share. */
  claimDeadAfterMs: 60_000,
  /** A claim that could not be refreshed for this long is given up by whoever holds it: nothing is asked for any more. */
  claimGiveUpMs: 30_000,
  /** Claims are refreshed this often while at work; the bound is 20 s. */
  claimRefreshMs: 5_000,
  /**
   * A pass that was killed may have left one request under way that Nova's records do not show yet. Its successor on
   * the same node asks for nothing new until this long after the last sign of life.
   */
  settleMs: 25_000,
  /** A request that was sent and not answered counts as in flight this long, record or not. */
  unansweredMs: 60_000,
  /**
   * An open record of an instance without a task counts as in flight this long: the instance reads ACTIVE on its
   * old host for some seconds before its host and, last, its record change.
   */
  staleRecordMs: 60_000,
  /** Within this much of each other, an observation and a record's change cannot be ordered (clocks, whole seconds). */
  clockMarginMs: 5_000,
  /** A single evacuation under way longer than this is reported as overdue; it is never asked for a second time. */
  overdueMs: 600_000,
  /** Added for each that is under way beside it, as Nova's conductor does a handful at a time. */
  overduePerOtherMs: 15_000,
  /** How old the list of services may be when a decision rests on it. */
  servicesFreshMs: 10_000,
  /** How old the count of free room may be when instances are held back for want of it. */
  capacityFreshMs: 15_000,
  capacityShortMs: 4_000,
  /** Between Nova's answer to a request and the scheduler's claim in Placement, at most, as a rule. */
  schedulingMs: 3_000,
  /** How old the list of instances may be while others are in flight. */
  serversFreshMs: 60_000,
  /** Bounds of the pause between two looks at the records; it grows while nothing changes. */
  pollMinMs: 1_000,
  pollMaxMs: 3_000,
  pollGrowth: 1.25,
  /** The first pause after a failed attempt, doubled at each further one up to the last. */
  retryFirstMs: 10_000,
  retryLastMs: 120_000,
  /** The pause once an instance was given up: something has to change before it can succeed. */
  retrySlowMs: 1_800_000,
  /** One request for an evacuation may take this long. */
  evacuateTimeoutMs: 30_000,
  /** How far back records are read at first, before the fencing: evacuations by hand, earlier failures. */
  historyMs: 24 * 3600_000,
  /** Evacuations of which none has ended for this long keep a pass no longer than its report is due. */
  standsMs: 30_000,
  /** The progress attribute changes at most this often. */
  progressMs: 2_000,
  /** A host on its way back is looked at this often while something is about to happen. */
  releasePollMs: 1_000,
  /** Where nobody noted when a host was fenced, it counts as fenced this long ago at least. */
  forgottenIncidentMs: 30 * 60_000,
  /** An instance that was asked to start this long ago and does not run, is not started again: that takes seconds. */
  triedMs: 30_000,
  /** A node that waits for its evacuation says so this often; a sign of life is one that changes. */
  pulseMs: 5_000,
  /** A service that Nova wrote this much later than its fencing may have had a heartbeat since. */
  returnMarginMs: 15_000,
  /** A host that may be back is watched this long for a second sign before it is evacuated after all. */
  returnWatchMs: 35_000,
  /** A nova-compute whose last heartbeat is older than this has ended again (Nova's default of service_down_time). */
  reportingMs: 60_000,
  /** Nova waits a minute for a nova-compute that does not answer whether a guest runs; we do not. */
  guestAnswerMs: 10_000,
  /** How often it is looked at meanwhile. */
  returnLookMs: 2_000,
  /**
   * How long the last sign of life is waited for: longer than a heartbeat (Nova's default is 10 s), and than the pause
   * between the pulses of one monitor of NovaCompute and the next.
   */
  freshSignMs: 20_000,
  freshSignPollMs: 500,
  /** What has to be left of the pass's time after it: changing the mark takes some calls of Pacemaker's tools. */
  signReserveMs: 2_000,
} as const;

/** After how long an evacuation is overdue when so many are under way: Nova works them off one after the other. */
export function overdueAfterMs(underWay: number): number {
  return pacing.overdueMs + underWay * pacing.overduePerOtherMs;
}

/** After this many failed attempts in a row an instance is reported as given up, and tried again only slowly. */
export const retryLimit = 6;

/** The pause after the `attempts`-th failed attempt in a row. */
export function retryPauseMs(attempts: number): number {
  if (attempts >= retryLimit) return pacing.retrySlowMs;
  return Math.min(pacing.retryFirstMs * 2 ** Math.max(0, attempts - 1), pacing.retryLastMs);
}

/**
 * How long a pass works while evacuations go on, before it returns with work left: half of the operation's timeout, so
 * that a slow last request still ends in time (Pacemaker kills what is late), and four minutes at most. A stop need not
 * wait for it: Pacemaker kills a recurring monitor that is under way (seen on 2.1.5).
 */
export function passBudgetMs(timeoutMs: number): number {
  return Math.min(timeoutMs / 2, 240_000);
}

/** When a pass with nothing under way returns at the latest: what it waits for is shown by its result. */
export function passReportMs(timeoutMs: number): number {
  return Math.min(timeoutMs / 2, 60_000);
}

/** When even requests under way are given up: well before Pacemaker's SIGKILL. */
export function passHardLimitMs(timeoutMs: number): number {
  return timeoutMs * 0.8;
}
