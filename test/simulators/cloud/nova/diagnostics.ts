import { conflict, type Server } from '../model.ts';
import type { NovaAnswer, NovaContext } from './context.ts';
import { requireAdmin } from './context.ts';
import { serverForAction } from './servers.ts';

/** nova/compute/power_state.py, STATE_MAP */
const powerStates: Readonly<Record<number, string>> = {
  0: 'pending',
  1: 'running',
  3: 'paused',
  4: 'shutdown',
  6: 'crashed',
  7: 'suspended',
};

/**
 * GET servers/{id}/diagnostics: answered by the server's nova-compute, which asks its hypervisor. Of a guest that does
 * not run the refusal names the power state of Nova's records, and a fault stays behind (nova/compute/manager.py).
 */
export function getDiagnostics(context: NovaContext, id: string): NovaAnswer {
  const { world, minor } = context;
  const server = serverForAction(context, id);
  requireAdmin(context, 'os_compute_api:os-server-diagnostics');
  const host = server.host === null ? undefined : world.hosts.get(server.host);
  if (host === undefined) throw conflict(`Instance ${server.id} is not ready`);
  if (!world.serves(host)) {
    return {
      status: 500,
      json: {
        computeFault: {
          code: 500,
          message:
            'Unexpected API Error. Please report this at http://bugs.launchpad.net/nova/ and attach the Nova API log ' +
            "if possible.\n<class 'oslo_messaging.exceptions.MessagingTimeout'>",
        },
      },
      afterMs: world.knobs.rpcTimeout,
    };
  }
  if (world.guests.runs(server))
    return { json: minor >= 48 ? detailed : { cpu0_time: 17300000000, memory: 524288 } };
  const state = powerStates[server.powerState] ?? 'pending';
  leaveFault(context, server, state);
  throw conflict(`Cannot 'get_diagnostics' instance ${server.id} while it is in power state ${state}`);
}

function leaveFault(context: NovaContext, server: Server, state: string): void {
  const message =
    `Instance ${server.id} in power state ${state}. ` +
    'Cannot get_diagnostics while the instance is in this state.';
  server.fault = { code: 400, message, details: `Traceback: ${message}`, created: context.world.clock.now() };
}

const detailed = {
  state: 'running',
  driver: 'libvirt',
  hypervisor: 'kvm',
  hypervisor_os: 'ubuntu',
  uptime: 46664,
  config_drive: true,
  num_cpus: 1,
  num_nics: 0,
  num_disks: 0,
  cpu_details: [{ id: 0, time: 17300000000, utilisation: 15 }],
  disk_details: [],
  nic_details: [],
  memory_details: { maximum: 524288, used: 0 },
};
