import { hostname } from 'node:os';
import {
  AttrdError,
  createAttributes,
  createClusterState,
  createEvacuationModes,
  createFencingHistory,
  createMarkStore,
  formatMark,
  isPending,
  type MarkReading,
  type MarkStore,
  type MarksReading,
  type NodeState,
} from '../../lib/attrd/index.ts';
import { missingParameter } from '../../lib/evacuation/connectionParameters.ts';
import type { ReleaseMode } from '../../lib/evacuation/index.ts';
import { type OcfContext, OcfExit, understandsDegraded } from '../../lib/ocf/index.ts';
import { connectionValues } from '../shared/connection.ts';
import { systemClock } from '../shared/systemClock.ts';
import { policyValues } from './policyValues.ts';
import { clearProgress, clearReturn, showProgress } from './progressAttribute.ts';
import { isNothingOpen, StateFiles } from './state.ts';

/** Bound of one call of Pacemaker's tools, in ms. */
const toolTimeoutMs = 10_000;
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
  const marks = createMarkStore({ env: ctx.env, timeoutMs: toolTimeoutMs });
  let reading: MarksReading;
  try {
    reading = await marks.readAll();
    for (const one of reading.marks) if (!isPending(one.mark)) await settle(ctx, marks, one);
  } catch (error) {
    if (!(error instanceof AttrdError)) throw error;
    return unread(ctx, files, error);
  }
  // Asked of every monitor, so that it is the first indeed.
  const timeoutMs = files.isFirst() ? Math.min(ctx.timeoutMs, firstTimeoutMs) : ctx.timeoutMs;
  const unknown = reading.marks.filter(({ mark }) => mark.kind === 'unknown');
  if (unknown.length > 0) await nameUnknown(ctx, files, unknown);
  const isPendingSomewhere = reading.marks.some(({ mark }) => isPending(mark));
  if (isPendingSomewhere || (await isReleaseDue(ctx, reading))) {
    const code = await evacuate(ctx, files, timeoutMs);
    // A release may be walked while evacuations are paused.
    const isQuiet = code === OcfExit.success && !isPendingSomewhere && reading.words.length > 0;
    return isQuiet ? idle(ctx, files, { ...reading, marks: null }) : code;
  }
  return idle(ctx, files, reading);
}

/** Without the marks nothing can be done. Said once, as long as it is the same. */
async function unread(ctx: OcfContext, files: StateFiles, error: AttrdError): Promise<OcfExit> {
  const { formatHints, parseHints } = await import('../../lib/evacuation/hints.ts');
  const hints = parseHints(await files.readHints());
  const sentence = `marks cannot be read, so nothing is evacuated until the next pass can: ${error.message}`;
  const alreadyLogged = hints.said['reason'] === sentence;
  hints.said['reason'] = sentence;
  if (!alreadyLogged) keepHints(ctx, files, formatHints(hints));
  return troubled(ctx, sentence, alreadyLogged);
}

/**
 * Whether an evacuated host may be back and is ours to release. One whose machine is still off is left alone: the
 * cluster knows, and Nova is not asked every ten seconds for as long as the repair takes.
 */
async function isReleaseDue(ctx: OcfContext, reading: MarksReading): Promise<boolean> {
  const mode = releaseMode(ctx);
  if (mode === 'off' || !reading.marks.some(({ mark }) => mark.kind === 'no')) return false;
  const { releaseCandidates } = await import('../../lib/evacuation/releaseCandidates.ts');
  return releaseCandidates(reading.marks, await readNodes(ctx), mode).length > 0;
}

function releaseMode(ctx: OcfContext): ReleaseMode {
  const mode = ctx.parameters.string('release');
  return mode === 'on' || mode === 'off' ? mode : 'auto';
}

/** Without an answer every node may be back, and what Nova says decides. */
async function readNodes(ctx: OcfContext): Promise<readonly NodeState[]> {
  try {
    return await createClusterState({ env: ctx.env, timeoutMs: toolTimeoutMs }).nodes();
  } catch (error) {
    if (!(error instanceof AttrdError)) throw error;
    ctx.log.debug(`The nodes' state could not be read: ${error.message}`);
    return [];
  }
}

/** A mark that asks for nothing. Its copies are brought in step, so that the next purge does not undo a `no`. */
async function settle(ctx: OcfContext, marks: MarkStore, one: MarkReading): Promise<void> {
  if (one.mark.kind === 'unknown') return;
  await marks.repair(one);
  ctx.log.debug(`${one.name} is either fine or already handled`);
}

/** Somebody wrote what nobody defined. Said once per value, not at every pass. */
async function nameUnknown(
  ctx: OcfContext,
  files: StateFiles,
  unknown: readonly MarkReading[],
): Promise<void> {
  const { formatHints, newHostHints, parseHints } = await import('../../lib/evacuation/hints.ts');
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

/** Nothing to evacuate. `marks` null: they may have changed since they were read. */
async function idle(
  ctx: OcfContext,
  files: StateFiles,
  reading: Pick<MarksReading, 'words'> & { readonly marks: MarksReading['marks'] | null },
): Promise<OcfExit> {
  const text = await files.readHints();
  if (isNothingOpen(text) && reading.words.length === 0) return OcfExit.success;
  const { lookAround } = await import('./idle.ts');
  const finding = await lookAround(ctx, reading, text, (changed) => keepHints(ctx, files, changed));
  return finding === null ? OcfExit.success : troubled(ctx, finding.sentence, finding.alreadyLogged);
}

async function evacuate(ctx: OcfContext, files: StateFiles, timeoutMs: number): Promise<OcfExit> {
  const { lockNode } = await import('./lock.ts');
  // The state directory tells installations on one machine apart (two simulated clusters, say).
  const lock = await lockNode('NovaEvacuate', ctx.stateDir);
  if (lock === null) {
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
  const { formatHints, parsePolicy, parseHints, readPulses, runPass, toCloudConfig } = await import(
    '../../lib/evacuation/index.ts'
  );
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
  const tools = { env: ctx.env, timeoutMs: toolTimeoutMs };
  const outcome = await runPass({
    marks: createMarkStore({ env: ctx.env, timeoutMs: toolTimeoutMs }),
    readHostMap: () =>
      createAttributes({ env: ctx.env, timeoutMs: toolTimeoutMs }).queryHostMap('fence_compute'),
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
    readNodes: () => readNodes(ctx),
    readPulses: () => readPulses(createAttributes({ env: ctx.env, timeoutMs: toolTimeoutMs })),
    hints,
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
      await clearProgress(ctx, name);
      await clearReturn(ctx, name);
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
