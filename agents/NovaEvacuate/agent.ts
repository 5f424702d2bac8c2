import { type OcfAgent, type OcfContext, OcfExit } from '../../lib/ocf/index.ts';
import { version } from '../../lib/version.ts';
import { parameters } from './parameters.ts';
import { StateFiles } from './state.ts';

/** `ocf:openstack:NovaEvacuate`: one in the cluster, on a controller. */
export const novaEvacuate: OcfAgent = {
  name: 'NovaEvacuate',
  version,
  shortdesc: 'Evacuates the instances of fenced OpenStack compute hosts',
  longdesc:
    'Watches for compute hosts that fence_compute has marked as fenced, has Nova evacuate their instances to other hosts, exactly once each, and follows every evacuation to its end. Run one in the cluster, on a controller.',
  parameters,
  actions: [
    { name: 'start', timeoutSeconds: 20 },
    { name: 'stop', timeoutSeconds: 20 },
    { name: 'monitor', timeoutSeconds: 600, intervalSeconds: 10, depth: 0 },
    { name: 'validate-all', timeoutSeconds: 20 },
    { name: 'meta-data', timeoutSeconds: 5 },
  ],
  furtherActions: [
    {
      name: 'alerts',
      timeoutSeconds: 600,
      call: 'alerts',
      shortdesc: 'Runs the alert program for what waits for it. monitor starts this by itself, beside it.',
      checksParameters: false,
      run: async (ctx) => {
        const program = ctx.parameters.string('alert');
        if (program === '') {
          ctx.exitReason('alert not configured');
          return OcfExit.configured;
        }
        const { runAlerts } = await import('./report/alertWorker.ts');
        await runAlerts({ program, stateDir: ctx.stateDir, instance: ctx.instance, log: ctx.log });
        return OcfExit.success;
      },
    },
  ],
  started: (ctx) => new StateFiles(ctx).isActive(),
  start,
  stop,
  monitor: async (ctx) => (await import('./monitor.ts')).monitor(ctx),
  validate,
};

/**
 * A wrong value is wrong on every node: 6. What is missing on this machine is 5 for whoever asks. A start only warns of
 * it where it concerns reports alone: hosts that fail must be evacuated all the same.
 */
async function validate(ctx: OcfContext): Promise<OcfExit> {
  const [{ validateConnection }, { parsePolicy }, { policyValues }, { missingHere, wrongPaths }] =
    await Promise.all([
      import('../shared/validateConnection.ts'),
      import('../../lib/evacuation/judge/policy.ts'),
      import('./policyValues.ts'),
      import('./sinkPaths.ts'),
    ]);
  const policy = parsePolicy(policyValues(ctx));
  const paths = {
    event_log: ctx.parameters.string('event_log'),
    metrics_dir: ctx.parameters.string('metrics_dir'),
    alert: ctx.parameters.string('alert'),
  };
  const [wrong] = [...('error' in policy ? [policy.error] : []), ...wrongPaths(paths)];
  if (wrong !== undefined) {
    ctx.exitReason(wrong);
    return OcfExit.configured;
  }
  const code = await validateConnection(ctx);
  if (code !== OcfExit.success) return code;
  const missing = missingHere(paths);
  if (ctx.action === 'start') {
    for (const sentence of missing) ctx.log.warn(`${sentence}; evacuations go on without it.`);
    return OcfExit.success;
  }
  if (missing[0] === undefined) return OcfExit.success;
  ctx.exitReason(missing[0]);
  return OcfExit.installed;
}

async function start(ctx: OcfContext): Promise<OcfExit> {
  const files = new StateFiles(ctx);
  try {
    await files.activate();
    return OcfExit.success;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    ctx.exitReason(`Invalid state directory ${ctx.stateDir}: ${files.activeFile} cannot be written (${why})`);
    return OcfExit.generic;
  }
}

/** Marks stay as they are: whoever starts next goes on with them. */
async function stop(ctx: OcfContext): Promise<OcfExit> {
  const files = new StateFiles(ctx);
  const hints = await files.readHints();
  if (hints !== '') {
    const [{ parseHints }, { clearProgress }] = await Promise.all([
      import('../../lib/evacuation/run/hints.ts'),
      import('./progressAttribute.ts'),
    ]);
    // Its successor on another node shows progress there.
    await Promise.all([...parseHints(hints).keys()].map((name) => clearProgress(ctx, name)));
  }
  await files.deactivate();
  const metricsDir = ctx.parameters.string('metrics_dir');
  // What the last pass here has shown is no longer true where the resource is elsewhere.
  if (metricsDir !== '') (await import('./report/metrics.ts')).retireMetrics(metricsDir, ctx.instance);
  return OcfExit.success;
}
