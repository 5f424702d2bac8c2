import { hostname } from 'node:os';
import {
  AttrdError,
  type AttrdOptions,
  createAttributes,
  createEvacuationModes,
  createMarkStore,
  formatMark,
  isPending,
  type MarkReading,
  type MarkStore,
  type MarksReading,
  nodeName,
  nodeOfMark,
  type Patience,
} from '../../lib/attrd/index.ts';
import {
  type ActiveTypes,
  type ClusterNodes,
  createClusterNodes,
  createClusterState,
  createFencingHistory,
  doubtOfOwnView,
} from '../../lib/cluster/index.ts';
import { missingParameter } from '../../lib/connection/connectionParameters.ts';
import type { ReleaseMode } from '../../lib/evacuation/index.ts';
import { type OcfContext, OcfExit, understandsDegraded } from '../../lib/ocf/index.ts';
import { rethrowUnless } from '../../lib/rethrow.ts';
import { connectionValues } from '../shared/connection.ts';
import { systemClock } from '../shared/systemClock.ts';
import type { Lock } from './lock.ts';
import { policyValues } from './policyValues.ts';
import { clearProgress, clearReturn, showProgress } from './progressAttribute.ts';
import { isNothingOpen, StateFiles } from './state.ts';

/**
 * Bound of one call of Pacemaker's tools, in ms: long enough for one that is slow by seconds, short enough to ask again where
 * one hangs.
 */
const toolTimeoutMs = 6_000;
/** For how long a question that is not answered is asked again, in ms; the next pass asks anew. */
const patienceMs = 8_000;
/** A lock that is held this long is shown, in ms: no pass of the cluster's own runs beside another. */
const longHeldMs = 120_000;
/**
 * The first monitor after a start behaves as if this were its timeout, in ms. Pacemaker waits for its result before it
 * does anything else (2.1.5, seen in the lab): a pass that lingers then keeps other nodes from being fenced and started.
 */
const firstTimeoutMs = 20_000;

/**
 * The pass. Without a pending mark it asks the attribute daemon and the CIB and loads nothing else; with one it
 * does a bounded piece of the work and reports what is left.
 */
export async function monitor(ctx: OcfContext): Promise<OcfExit> {
  const missing = missingParameter(connectionValues(ctx.parameters));
  if (missing !== null) {
    ctx.exitReason(`${missing} not configured`);
    return OcfExit.configured;
  }
  const files = new StateFiles(ctx);
  const marks = createMarkStore(toolsOf(ctx));
  let reading: MarksReading;
  try {
    reading = await marks.readAll();
  } catch (error) {
    rethrowUnless(error, AttrdError);
    return unread(ctx, files, error);
  }
  const unsettled = await settleAll(ctx, files, marks, reading.marks);
  const code = await pass(ctx, files, reading);
  if (unsettled === null) return code;
  if (code === OcfExit.success) return troubled(ctx, unsettled.sentence, unsettled.alreadyLogged);
  // There is room for one reason, and that of the pass is worse.
  if (!unsettled.alreadyLogged) ctx.log.warn(unsettled.sentence);
  return code;
}

/** What the marks ask for. */
async function pass(ctx: OcfContext, files: StateFiles, reading: MarksReading): Promise<OcfExit> {
  // Asked of every monitor, so that it is the first indeed.
  const timeoutMs = files.isFirst() ? Math.min(ctx.timeoutMs, firstTimeoutMs) : ctx.timeoutMs;
  const unknown = reading.marks.filter(({ mark }) => mark.kind === 'unknown');
  if (unknown.length > 0) await nameUnknown(ctx, files, unknown);
  const isPendingSomewhere = reading.marks.some(({ mark }) => isPending(mark));
  if (isPendingSomewhere || (await isReleaseDue(ctx, reading, timeoutMs))) {
    const code = await evacuate(ctx, files, timeoutMs);
    // A release may be walked while evacuations are paused.
    const isQuiet = code === OcfExit.success && !isPendingSomewhere && reading.words.length > 0;
    return isQuiet ? idle(ctx, files, { ...reading, marks: null }) : code;
  }
  return idle(ctx, files, reading);
}

/** How Pacemaker's tools are asked: one may fail once, hang once, or be slow by seconds. */
function toolsOf(ctx: OcfContext): AttrdOptions & { readonly patience: Patience } {
  // Well before Pacemaker's SIGKILL.
  const until = ctx.startedAt + ctx.timeoutMs * 0.8;
  return {
    env: ctx.env,
    timeoutMs: toolTimeoutMs,
    patience: { clock: systemClock, forMs: patienceMs, until },
  };
}

/** Without the marks nothing can be done. */
function unread(ctx: OcfContext, files: StateFiles, error: AttrdError): Promise<OcfExit> {
  const sentence = `marks cannot be read, so nothing is evacuated until the next pass can: ${error.message}`;
  return refused(ctx, files, sentence);
}

/** Nothing can be done in this pass. Said once, as long as it is the same. */
async function refused(ctx: OcfContext, files: StateFiles, sentence: string): Promise<OcfExit> {
  const { formatHints, parseHints } = await import('../../lib/evacuation/run/hints.ts');
  const hints = parseHints(await files.readHints());
  const alreadyLogged = hints.said['reason'] === sentence;
  hints.said['reason'] = sentence;
  if (!alreadyLogged) keepHints(ctx, files, formatHints(hints));
  return troubled(ctx, sentence, alreadyLogged);
}

/**
 * Whether an evacuated host may be back and is ours to release, or the cluster does not tell: then the pass asks once
 * more, and says so. One whose machine is still off is left alone: the cluster knows, and Nova is not asked every ten
 * seconds for as long as the repair takes.
 */
async function isReleaseDue(ctx: OcfContext, reading: MarksReading, timeoutMs: number): Promise<boolean> {
  const mode = releaseMode(ctx);
  if (mode === 'off' || !reading.marks.some(({ mark }) => mark.kind === 'no')) return false;
  const { releaseCandidates } = await import('../../lib/evacuation/return/releaseCandidates.ts');
  const candidates = await releaseCandidates(reading.marks, mode, {
    readNodes: () => nodesOf(ctx, timeoutMs).read(),
    readActive: () => readActive(ctx),
  });
  return !candidates.known || candidates.marks.length > 0;
}

function releaseMode(ctx: OcfContext): ReleaseMode {
  const mode = ctx.parameters.string('release');
  return mode === 'on' || mode === 'off' ? mode : 'auto';
}

/**
 * A pass asks for the nodes before anything else. One crm_mon, and all that is asked again because it failed, gets a quarter of the
 * operation's time at most, so that the pass can ask twice and still report.
 */
function nodesOf(ctx: OcfContext, timeoutMs: number): ClusterNodes {
  const quarter = timeoutMs / 4;
  const { patience } = toolsOf(ctx);
  return createClusterNodes({
    env: ctx.env,
    timeoutMs: Math.min(toolTimeoutMs, quarter),
    patience: {
      ...patience,
      forMs: Math.min(patienceMs, quarter),
      until: Math.min(patience.until, ctx.startedAt + timeoutMs * 0.8),
    },
  });
}

/** Null: could not be told. */
async function readActive(ctx: OcfContext): Promise<ActiveTypes | null> {
  try {
    return await createClusterState(toolsOf(ctx)).activeTypes('NovaCompute');
  } catch (error) {
    rethrowUnless(error, AttrdError);
    ctx.log.debug(`What runs on the nodes could not be read: ${error.message}`);
    return null;
  }
}

/**
 * Marks that ask for nothing. Their copies are brought in step, so that the next purge does not undo a `no`. Where that is
 * refused (the CIB takes no change without quorum) it is said, once, and the pass goes on: the hosts are dealt with all the
 * same, and the next pass tries again.
 */
async function settleAll(
  ctx: OcfContext,
  files: StateFiles,
  marks: MarkStore,
  readings: readonly MarkReading[],
): Promise<{ readonly sentence: string; readonly alreadyLogged: boolean } | null> {
  const refused: string[] = [];
  for (const one of readings) {
    if (isPending(one.mark) || one.mark.kind === 'unknown') continue;
    try {
      await marks.repair(one, ctx.onNode ?? hostname());
      ctx.log.debug(`${one.name} is either fine or already handled`);
    } catch (error) {
      rethrowUnless(error, AttrdError);
      const { message } = error;
      refused.push(
        `the permanent copy of the mark of ${one.name} is not "${formatMark(one.mark)}" yet: ${message}; the next pass tries again`,
      );
    }
  }
  const [first] = refused;
  const text = await files.readHints();
  if (first === undefined && !text.includes('"settle":')) return null;
  const { formatHints, parseHints } = await import('../../lib/evacuation/run/hints.ts');
  const hints = parseHints(text);
  const sentence = `${first ?? ''}${refused.length > 1 ? ` (${refused.length - 1} more like it)` : ''}.`;
  const before = hints.said['settle'];
  if (first === undefined) delete hints.said['settle'];
  else hints.said['settle'] = sentence;
  if (before !== hints.said['settle']) keepHints(ctx, files, formatHints(hints));
  return first === undefined ? null : { sentence, alreadyLogged: before === sentence };
}

/** Somebody wrote what nobody defined. Said once per value, not at every pass. */
async function nameUnknown(
  ctx: OcfContext,
  files: StateFiles,
  unknown: readonly MarkReading[],
): Promise<void> {
  const { formatHints, newHostHints, parseHints } = await import('../../lib/evacuation/run/hints.ts');
  const hints = parseHints(await files.readHints());
  for (const { name, mark } of unknown) {
    const value = formatMark(mark);
    const entry = hints.get(name) ?? newHostHints(0);
    if (entry.said['mark'] === value) continue;
    entry.said['mark'] = value;
    hints.set(name, entry);
    ctx.log.warn(
      `The mark of ${name} reads "${value}", which means nothing to this agent; it is left alone.`,
    );
  }
  keepHints(ctx, files, formatHints(hints));
}

/** The marks, where a mark that is not among them is one that is not there; else null. */
async function readTrusted(ctx: OcfContext): Promise<MarksReading['marks'] | null> {
  const doubt = doubtOfOwnView(await nodesOf(ctx, ctx.timeoutMs).read(), nodeName(ctx.onNode ?? hostname()));
  if (doubt !== null) {
    ctx.log.debug(`Whether marks are gone cannot be told: ${doubt}.`);
    return null;
  }
  try {
    return (await createMarkStore(toolsOf(ctx)).readAll()).marks;
  } catch (error) {
    rethrowUnless(error, AttrdError);
    return null;
  }
}

/** Nothing to evacuate. `marks` null: they may have changed since they were read. */
async function idle(
  ctx: OcfContext,
  files: StateFiles,
  reading: Pick<MarksReading, 'words'> & { readonly marks: MarksReading['marks'] | null },
): Promise<OcfExit> {
  const text = await files.readHints();
  if (isNothingOpen(text) && reading.words.length === 0) return OcfExit.success;
  const { lookAround } = await import('./idle.ts');
  const keep = (changed: string) => keepHints(ctx, files, changed);
  const finding = await lookAround(ctx, reading, text, keep, () => readTrusted(ctx));
  return finding === null ? OcfExit.success : troubled(ctx, finding.sentence, finding.alreadyLogged);
}

async function evacuate(ctx: OcfContext, files: StateFiles, timeoutMs: number): Promise<OcfExit> {
  const { LockError, lockNode } = await import('./lock.ts');
  let lock: Lock;
  try {
    // The state directory tells installations on one machine apart (two simulated clusters, say).
    lock = await lockNode(ctx.stateDir, 'NovaEvacuate');
  } catch (error) {
    rethrowUnless(error, LockError);
    return refused(
      ctx,
      files,
      `nothing is evacuated, as passes could run beside each other: ${error.message}.`,
    );
  }
  if (lock.kind === 'taken') {
    const since = new Date(systemClock.now() - lock.heldMs).toISOString().replace(/:\d\d\.\d+Z$/, 'Z');
    if (lock.heldMs > longHeldMs) {
      return refused(
        ctx,
        files,
        `another pass of NovaEvacuate (process ${lock.pid}) has held the lock of this node since ${since}, and this one leaves the work to it; look at it with: ps -fp ${lock.pid}; if it hangs, end it with: kill -9 ${lock.pid}`,
      );
    }
    ctx.log.info('Another pass of NovaEvacuate is at work on this node; this one leaves the work to it.');
    return OcfExit.success;
  }
  try {
    return await runLocked(ctx, files, timeoutMs);
  } finally {
    lock.release();
  }
}

async function runLocked(ctx: OcfContext, files: StateFiles, timeoutMs: number): Promise<OcfExit> {
  const { formatHints, parsePolicy, parseHints, readPulses, runPass, Watches } = await import(
    '../../lib/evacuation/index.ts'
  );
  const { toCloudConfig } = await import('../../lib/connection/cloud.ts');
  const { connect } = await import('@openstack-ts/nova-client');
  const { openReporter } = await import('./openReporter.ts');
  const { parameters } = ctx;
  const policy = parsePolicy(policyValues(ctx));
  if ('error' in policy) {
    ctx.exitReason(policy.error);
    return OcfExit.configured;
  }
  const hints = parseHints(await files.readHints());
  const apiErrors: Record<string, number> = {};
  const warned = new Set<string>();
  const reporter = openReporter(ctx, hints);
  const tools = toolsOf(ctx);
  const nodes = nodesOf(ctx, timeoutMs);
  const outcome = await runPass({
    marks: createMarkStore(tools),
    readHostMap: () => createAttributes(tools).queryHostMap('fence_compute'),
    connect: async (deadline) =>
      connect(await toCloudConfig(connectionValues(parameters), ctx.env), {
        env: ctx.env,
        deadline,
        log: (line) => ctx.log.debug(line),
        onError: ({ code }) => {
          apiErrors[code] = (apiErrors[code] ?? 0) + 1;
        },
      }),
    me: ctx.onNode ?? hostname(),
    dnsDomain: parameters.given('domain') ? parameters.string('domain') : undefined,
    settings: {
      concurrency: parameters.integer('concurrency'),
      onSharedStorage: !parameters.boolean('no_shared_storage'),
      evacuateDelayMs: parameters.integer('evacuate_delay') * 1000,
      earlyReturn: parameters.string('early_return') === 'evacuate' ? 'evacuate' : 'release',
    },
    policy: policy.policy,
    limits: {
      maxFailedPercent: parameters.integer('max_failed_percent'),
      maxFailedPerAggregate: parameters.integer('max_failed_per_aggregate'),
      maxHostsAtOnce: parameters.integer('max_hosts_at_once'),
    },
    readModes: () => createEvacuationModes(tools).readModes(),
    readFencing: (node) => createFencingHistory(tools).readFencing(node),
    report: reporter,
    apiErrors: () => apiErrors,
    release: releaseMode(ctx),
    readNodes: () => nodes.read(),
    readActive: () => readActive(ctx),
    readPulses: () => readPulses(createAttributes(tools)),
    hints,
    watches: new Watches(createAttributes(tools), nodeName(ctx.onNode ?? hostname())),
    keepHints: () => keepHints(ctx, files, formatHints(hints)),
    clock: systemClock,
    log: {
      ...ctx.log,
      warn: (sentence, about) => {
        warned.add(sentence);
        ctx.log.warn(sentence, about);
      },
    },
    showProgress: (name, text) => showProgress(ctx, name, text),
    clearProgress: async (name) => {
      const isCleared = await clearProgress(ctx, name);
      return (await clearReturn(ctx, nodeOfMark(name))) && isCleared;
    },
    startedAt: ctx.startedAt,
    timeoutMs,
    // Alerts that were put down are worked off whatever happened.
  }).finally(() => reporter.close());
  const alreadyLogged =
    outcome.sentence !== null && (hints.said['reason'] === outcome.sentence || warned.has(outcome.sentence));
  if (outcome.sentence === null) delete hints.said['reason'];
  else hints.said['reason'] = outcome.sentence;
  keepHints(ctx, files, formatHints(hints));
  if (outcome.troubled) return troubled(ctx, outcome.sentence ?? 'evacuations are held up', alreadyLogged);
  // What every host waits for has a line of its own.
  if (outcome.sentence !== null) ctx.exitReason(outcome.sentence, { alreadyLogged: true });
  return OcfExit.success;
}

/** Not needed to go on, so not being able to keep them is no failure of the pass. */
function keepHints(ctx: OcfContext, files: StateFiles, text: string): void {
  try {
    files.writeHints(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    ctx.log.warn(`Hints for the next pass could not be kept, so it may repeat log lines: ${why}.`);
  }
}

/** The resource runs and needs attention: 190 where the cluster understands it, else 0. Restarting would not help. */
function troubled(ctx: OcfContext, sentence: string, alreadyLogged = false): OcfExit {
  ctx.exitReason(sentence, { alreadyLogged });
  return ctx.intervalMs > 0 && understandsDegraded(ctx.crmFeatureSet) ? OcfExit.degraded : OcfExit.success;
}
