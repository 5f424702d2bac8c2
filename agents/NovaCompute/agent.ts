import { type OcfAgent, OcfExit } from '../../lib/ocf/index.ts';
import { version } from '../../lib/version.ts';
import { parameters } from './parameters.ts';

/** `ocf:openstack:NovaCompute`: cloned over the compute nodes. Nothing but declarations is loaded for `meta-data`. */
export const novaCompute: OcfAgent = {
  name: 'NovaCompute',
  version,
  shortdesc: 'Manages nova-compute and takes its host back after an evacuation',
  longdesc:
    'Starts, watches and stops nova-compute, as a process, a systemd unit or a container. On a host that was fenced nova-compute is started only when no evacuation of its instances can be in flight any more; then the host is given back to Nova. Run it cloned on the compute nodes.',
  parameters,
  actions: [
    { name: 'start', timeoutSeconds: 600 },
    { name: 'stop', timeoutSeconds: 300 },
    { name: 'monitor', timeoutSeconds: 20, intervalSeconds: 10, depth: 0 },
    { name: 'monitor', timeoutSeconds: 60, intervalSeconds: 60, depth: 10 },
    { name: 'validate-all', timeoutSeconds: 20 },
    { name: 'meta-data', timeoutSeconds: 5 },
  ],
  monitorsAnyway: true,
  furtherActions: [
    {
      name: 'wait',
      timeoutSeconds: 600,
      call: 'wait [SECONDS]',
      shortdesc:
        'Waits until it is safe to start nova-compute on this machine: 0; or says after SECONDS (600) why it is not: 1. For ExecStartPre= of a unit, or before the start of a container, where nova-compute is not managed by this agent.',
      checksParameters: true,
      run: async (ctx, args) => (await import('./wait.ts')).wait(ctx, args),
    },
    {
      name: 'notify',
      timeoutSeconds: 20,
      call: 'notify',
      shortdesc: 'Does nothing: a clone with notify=true has it called.',
      checksParameters: false,
      run: async () => OcfExit.success,
    },
  ],
  start: async (ctx) => (await import('./start.ts')).start(ctx),
  stop: async (ctx) => (await import('./stop.ts')).stop(ctx),
  monitor: async (ctx) => (await import('./monitor.ts')).monitor(ctx),
  validate: async (ctx) => (await import('../shared/validateConnection.ts')).validateConnection(ctx),
};
