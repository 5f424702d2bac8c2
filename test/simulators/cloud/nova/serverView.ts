import { createHash } from 'node:crypto';
import { databaseTime, serverTime } from '../clock.ts';
import type { Fault, Server } from '../model.ts';
import { type NovaContext, spelled } from './context.ts';

const byTask: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  active: {
    default: 'ACTIVE',
    rebooting: 'REBOOT',
    reboot_pending: 'REBOOT',
    rebooting_hard: 'HARD_REBOOT',
    rebuilding: 'REBUILD',
    rebuild_block_device_mapping: 'REBUILD',
    rebuild_spawning: 'REBUILD',
    migrating: 'MIGRATING',
    resize_prep: 'RESIZE',
  },
  building: { default: 'BUILD' },
  stopped: {
    default: 'SHUTOFF',
    rebuilding: 'REBUILD',
    rebuild_block_device_mapping: 'REBUILD',
    rebuild_spawning: 'REBUILD',
  },
  error: {
    default: 'ERROR',
    rebuilding: 'REBUILD',
    rebuild_block_device_mapping: 'REBUILD',
    rebuild_spawning: 'REBUILD',
  },
  resized: { default: 'VERIFY_RESIZE' },
  paused: { default: 'PAUSED' },
  suspended: { default: 'SUSPENDED' },
  rescued: { default: 'RESCUE' },
  shelved: { default: 'SHELVED' },
  shelved_offloaded: { default: 'SHELVED_OFFLOADED' },
  'soft-delete': { default: 'SOFT_DELETED' },
};

/** The API's status, made of vm_state and task_state. */
export function statusOf(server: Server): string {
  const map = byTask[server.vmState];
  return map?.[server.taskState ?? 'default'] ?? map?.['default'] ?? 'UNKNOWN';
}

const withProgress = new Set(['ACTIVE', 'BUILD', 'REBUILD', 'RESIZE', 'VERIFY_RESIZE', 'MIGRATING']);

function links(context: NovaContext, path: string): unknown[] {
  return [
    { rel: 'self', href: `${context.origin}/v2.1${path}` },
    { rel: 'bookmark', href: `${context.origin}${path}` },
  ];
}

export function briefServer(context: NovaContext, server: Server): unknown {
  return { id: server.id, name: server.name, links: links(context, `/servers/${server.id}`) };
}

/** One server with all its fields, by microversion, in the order Nova 26 has them. */
export function showServer(context: NovaContext, server: Server): object {
  const { minor, isAdmin, origin } = context;
  const status = statusOf(server);
  return {
    id: server.id,
    name: server.name,
    status,
    tenant_id: server.projectId,
    user_id: server.userId,
    metadata: server.metadata,
    hostId: server.host === null ? '' : hostId(server.projectId, server.host),
    image:
      server.imageId === null
        ? ''
        : { id: server.imageId, links: [{ rel: 'bookmark', href: `${origin}/images/${server.imageId}` }] },
    flavor: flavorOf(context, server),
    created: serverTime(server.createdAt),
    updated: serverTime(server.updatedAt),
    addresses: {},
    accessIPv4: '',
    accessIPv6: '',
    links: links(context, `/servers/${server.id}`),
    'OS-DCF:diskConfig': 'MANUAL',
    ...(status === 'ERROR' && server.fault !== null ? { fault: faultOf(context, server.fault) } : {}),
    ...(withProgress.has(status) ? { progress: 0 } : {}),
    'OS-EXT-AZ:availability_zone': server.zone,
    config_drive: '',
    key_name: null,
    'OS-SRV-USG:launched_at': server.launchedAt === null ? null : databaseTime(server.launchedAt),
    'OS-SRV-USG:terminated_at': null,
    ...(isAdmin ? administrative(context, server) : {}),
    'OS-EXT-STS:task_state': server.taskState,
    'OS-EXT-STS:vm_state': server.vmState,
    'OS-EXT-STS:power_state': server.powerState,
    'os-extended-volumes:volumes_attached': context.world.volumesOf(server.id).map(({ id }) => ({
      id,
      ...(minor >= 3 ? { delete_on_termination: false } : {}),
    })),
    ...(minor >= 9 ? { locked: server.locked } : {}),
    ...(minor >= 73 ? { locked_reason: null } : {}),
    ...(minor >= 19 ? { description: null } : {}),
    ...(minor >= 26 ? { tags: [] } : {}),
    ...(minor >= 63 ? { trusted_image_certificates: null } : {}),
    ...(minor >= 16 && isAdmin ? { host_status: hostStatus(context, server) } : {}),
    ...(minor >= 96 ? { pinned_availability_zone: server.pinnedZone } : {}),
  };
}

function flavorOf(context: NovaContext, server: Server): unknown {
  if (context.minor < 47) {
    const bookmark = { rel: 'bookmark', href: `${context.origin}/flavors/${server.flavorId}` };
    return { id: server.flavorId, links: [bookmark] };
  }
  return {
    vcpus: server.flavor.vcpus,
    ram: server.flavor.memoryMb,
    disk: server.flavor.diskGb,
    ephemeral: server.flavor.ephemeralGb,
    swap: server.flavor.swapMb,
    original_name: server.flavor.name,
    extra_specs: server.flavor.extraSpecs,
  };
}

function faultOf(context: NovaContext, fault: Fault): unknown {
  const { code, created, message, details } = fault;
  return { code, created: serverTime(created), message, ...(context.isAdmin ? { details } : {}) };
}

function administrative(context: NovaContext, server: Server): object {
  const older = {
    'OS-EXT-SRV-ATTR:host': spelled(context, server.host),
    'OS-EXT-SRV-ATTR:instance_name': `instance-${server.number.toString(16).padStart(8, '0')}`,
    'OS-EXT-SRV-ATTR:hypervisor_hostname': server.host,
  };
  if (context.minor < 3) return older;
  return {
    ...older,
    'OS-EXT-SRV-ATTR:reservation_id': server.reservationId,
    'OS-EXT-SRV-ATTR:launch_index': 0,
    'OS-EXT-SRV-ATTR:hostname': server.name,
    'OS-EXT-SRV-ATTR:kernel_id': '',
    'OS-EXT-SRV-ATTR:ramdisk_id': '',
    'OS-EXT-SRV-ATTR:root_device_name': '/dev/sda',
    'OS-EXT-SRV-ATTR:user_data': null,
  };
}

function hostStatus({ world }: NovaContext, server: Server): string {
  const host = server.host === null ? undefined : world.hosts.get(server.host);
  if (host === undefined) return '';
  if (host.forcedDown) return 'DOWN';
  if (!world.isUp(host)) return 'UNKNOWN';
  return host.disabled ? 'MAINTENANCE' : 'UP';
}

const hostIds = new Map<string, string>();

function hostId(projectId: string, host: string): string {
  const key = projectId + host;
  const known = hostIds.get(key);
  if (known !== undefined) return known;
  const made = createHash('sha224').update(projectId).update(host).digest('hex');
  hostIds.set(key, made);
  return made;
}
