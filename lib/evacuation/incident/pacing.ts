/** Every duration and bound of an evacuation, in ms unless the name says otherwise, with the reason for it. */
export const pacing = {
  /** A claim that has not changed for this long is dead: the value the original agents share. */
  claimDeadAfterMs: 60_000,
  /** Where no claim is to be seen, looks no further apart than this are a watch: it would have been written again in between. */
  claimGapMs: 30_000,
  /** A claim that could not be refreshed for this long is given up by whoever holds it: nothing is asked for any more. */
  claimGiveUpMs: 30_000,
  /** Marks that are held are looked at this often, and their claims refreshed this often; the bound is 20 s. */
  claimCheckMs: 5_000,
  claimRefreshMs: 15_000,
  /** After a change of owner, before its claim is looked for: attributes reach the other nodes within 130 ms (seen on 2.1.5). */
  claimSettleMs: 500,
  /**
   * A pass that was killed may have left one request under way that Nova's records do not show yet. Its successor on
   * the same node asks for nothing new until this long after the last sign of life.
   */
  settleMs: 25_000,
  /**
   * The same for a successor on another node, when the cluster says that the owner's is down. Longer than an owner without a
   * cluster goes on (`claimGiveUpMs`), for a node that was not fenced: where its Pacemaker has ended in order it may run.
   */
  ownerDownMs: 35_000,
  /** A request that was sent and not answered counts as in flight this long, record or not. */
  unansweredMs: 60_000,
  /**
   * An open record of an instance without a task counts as in flight this long: the instance reads ACTIVE on its
   * old host for some seconds before its host and, last, its record change.
   */
  staleRecordMs: 60_000,
  /** From here on an idle instance's open record is suspicious, and its destination is watched: the rest follows within seconds. */
  idleRecordMs: 10_000,
  /** Looks no further apart than this are a watch: one that hangs for less Nova does not show down either. */
  watchGapMs: 60_000,
  slowWatchGapMs: 180_000,
  /** A watch that goes on is noted in the incident this often. */
  watchNotedMs: 20_000,
  /** Within this much of each other, an observation and a record's change cannot be ordered (clocks, whole seconds). */
  clockMarginMs: 5_000,
  /** An evacuation that has stood for this long is looked into: how far it came is in the steps that Nova notes. */
  trailAfterMs: 120_000,
  /** How old may be what was read of such steps, and of moves that a failure cut short. */
  trailFreshMs: 30_000,
  /** A single evacuation under way longer than this is reported as overdue; it is never asked for a second time. */
  overdueMs: 600_000,
  /** Added for each that is under way beside it, as Nova's conductor does a handful at a time. */
  overduePerOtherMs: 15_000,
  /** How old the list of services may be when a decision rests on it. */
  servicesFreshMs: 10_000,
  /** From here on a list is slow: Nova waits a minute for a cell that does not answer it, and then answers all the same. */
  slowListMs: 10_000,
  /** What was read slowly may be as old as so many such lists take. */
  slowFreshTimes: 3,
  /** How old the count of free room may be when instances are held back for want of it. */
  capacityFreshMs: 15_000,
  capacityShortMs: 4_000,
  /** Between Nova's answer to a request and the scheduler's claim in Placement, at most, as a rule. */
  schedulingMs: 3_000,
  /**
   * Placement that fails or does not answer for this long is gone on without, where Nova's list shows nothing left: longer than
   * its restart, or the failover of its database. Until then every pass has looked, and each list has shown the same.
   */
  placementSilentMs: 300_000,
  /** For a release, which keeps a host from its work. */
  releaseSilentMs: 60_000,
  /** Questions no further apart than this are one silence: a successor takes a minute to take over. */
  silenceGapMs: 120_000,
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
  /**
   * A Retry-After is obeyed for so long at most: a gateway in maintenance names hours and is back in minutes, and a clock that was
   * set back must not make them of a second.
   */
  backOffMs: 120_000,
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
  /**
   * Where the cluster did not tell what its nodes are, it is asked again after this long: a tool may fail once. Longer than the
   * answer is shared (`NodeWatch`).
   */
  untoldPauseMs: 2_000,
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
  /**
   * A node that has joined again so long after its fencing is back, though nothing on it speaks for itself: longer than the cluster
   * takes to find a node or its connection dead, by any timeouts that are usual. One that is fenced anew begins anew.
   */
  joinedAgainMs: 300_000,
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
