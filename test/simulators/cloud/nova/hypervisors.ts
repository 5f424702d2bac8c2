import type { Host } from '../model.ts';
import { notFound } from '../model.ts';
import { type NovaAnswer, type NovaContext, requireAdmin } from './context.ts';

const cpuInfo =
  '{"arch": "x86_64", "model": "Nehalem", "vendor": "Intel", "features": ["pge", "clflush"], ' +
  '"topology": {"cores": 1, "threads": 1, "sockets": 4}}';

/** GET os-hypervisors/detail; the figures of usage are gone from 2.88 on. */
export function listHypervisors(context: NovaContext, detail: boolean): NovaAnswer {
  requireAdmin(context, `os_compute_api:os-hypervisors:${detail ? 'list-detail' : 'list'}`);
  let hosts = [...context.world.hosts.values()];
  const pattern = context.minor >= 53 ? context.request.query.get('hypervisor_hostname_pattern') : null;
  if (pattern !== null) {
    hosts = hosts.filter((host) => host.name.includes(pattern));
    if (hosts.length === 0) throw notFound(`No hypervisor matching '${pattern}' could be found.`);
  }
  return { json: { hypervisors: hosts.map((host) => show(context, host, detail)) } };
}

function show(context: NovaContext, host: Host, detail: boolean): unknown {
  const { minor, world } = context;
  const head = {
    id: minor >= 53 ? host.hypervisorId : host.hypervisorNumber,
    hypervisor_hostname: host.name,
    state: world.isUp(host) ? 'up' : 'down',
    status: host.disabled ? 'disabled' : 'enabled',
  };
  if (!detail) return head;
  const { capacity } = host;
  const used = world.allocations.used(host.name);
  return {
    ...head,
    hypervisor_type: 'fake',
    hypervisor_version: 1000,
    host_ip: '127.0.0.1',
    service: {
      id: minor >= 53 ? host.serviceId : host.serviceNumber,
      host: host.name,
      disabled_reason: host.disabledReason,
    },
    ...(minor >= 88
      ? { uptime: null }
      : {
          vcpus: capacity.VCPU,
          memory_mb: capacity.MEMORY_MB,
          local_gb: capacity.DISK_GB,
          vcpus_used: used.VCPU,
          memory_mb_used: used.MEMORY_MB,
          local_gb_used: used.DISK_GB,
          free_ram_mb: capacity.MEMORY_MB - used.MEMORY_MB,
          free_disk_gb: capacity.DISK_GB - used.DISK_GB,
          current_workload: 0,
          running_vms: host.domains.size,
          disk_available_least: 0,
          cpu_info: cpuInfo,
        }),
  };
}
