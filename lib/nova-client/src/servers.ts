/** Servers: reading them and evacuating them. */
import type { ComputeApi } from './computeApi.ts';
import type { Field } from './decode.ts';
import type { Accepted, CallOptions, EvacuateRequest, FlavorSize, Server, ServerFault } from './types.ts';

export function listServers(
  api: ComputeApi,
  filter: { readonly host: string; readonly limit?: number },
  options?: CallOptions,
): Promise<readonly Server[]> {
  const limit: Record<string, string> = filter.limit === undefined ? {} : { limit: String(filter.limit) };
  return api.list(
    '/servers/detail',
    'servers',
    `list the servers on ${filter.host}`,
    readServer,
    options,
    { host: filter.host, all_tenants: '1', ...limit },
    filter.limit,
  );
}

export function getServer(api: ComputeApi, id: string, options?: CallOptions): Promise<Server> {
  const path = `/servers/${encodeURIComponent(id)}`;
  return api.get(path, `show server ${id}`, (body) => readServer(body.get('server')), options);
}

/** The last microversion in which Nova is told about shared storage, and insists on it. */
const toldAboutStorage = 13;

/**
 * Told that the disk is on shared storage, Nova looks for it on the destination and fails the evacuation where it is
 * not (nova/compute/manager.py, rebuild_instance). From 2.14 on it cannot be told: it looks for the disk itself, and
 * rebuilds the server from its image where there is none.
 *
 * The body of the answer (up to 2.13 a password that Nova has made up, nothing from then on) is not looked at.
 */
export function evacuate(
  api: ComputeApi,
  serverId: string,
  request: EvacuateRequest,
  options?: CallOptions,
): Promise<Accepted> {
  const { disk, host } = request;
  const asked = disk === 'keep' ? api.atMost(toldAboutStorage) : api;
  const body = {
    evacuate: {
      ...(asked.minor > toldAboutStorage ? {} : { onSharedStorage: disk === 'keep' }),
      // Below 2.29 Nova would take the named host without asking the scheduler whether it suits.
      ...(host === undefined || asked.minor < 29 ? {} : { host }),
    },
  };
  const path = `/servers/${encodeURIComponent(serverId)}/action`;
  return asked.postOnce(path, `evacuate server ${serverId}`, body, options);
}

/**
 * Reads a whole record, and as well the few fields that Nova gives while the cell's database cannot be reached
 * (status UNKNOWN, from 2.69).
 */
function readServer(server: Field): Server {
  const id = server.get('id').string();
  const metadata = server.get('metadata');
  const fault = server.get('fault');
  const volumes = server.get('os-extended-volumes:volumes_attached');
  const groups = server.get('server_groups');
  return {
    id,
    name: server.get('name').stringOrNull() ?? id,
    host: emptyIsNull(server.get('OS-EXT-SRV-ATTR:host').stringOrNull()),
    status: server.get('status').string(),
    vmState: server.get('OS-EXT-STS:vm_state').stringOrNull(),
    taskState: emptyIsNull(server.get('OS-EXT-STS:task_state').stringOrNull()),
    powerState: server.get('OS-EXT-STS:power_state').numberOrNull(),
    projectId: server.get('tenant_id').stringOrNull(),
    imageId: readImageId(server.get('image')),
    flavor: readFlavor(server.get('flavor')),
    availabilityZone: emptyIsNull(server.get('OS-EXT-AZ:availability_zone').stringOrNull()),
    volumeIds: volumes.isNothing ? [] : volumes.list((volume) => volume.get('id').string()),
    // Only in the record of a single server: lists do not have it in any microversion.
    serverGroupIds: groups.isNothing ? null : groups.list((group) => group.string()),
    metadata: metadata.isNothing ? {} : metadata.strings(),
    locked: server.get('locked').booleanOrNull(),
    fault: fault.isNothing ? null : readFault(fault),
    updatedAt: server.get('updated').timeOrNull(),
  };
}

/** The empty string stands for "booted from a volume". */
function readImageId(image: Field): string | null {
  return image.isNothing || image.value === '' ? null : image.get('id').stringOrNull();
}

/** Below 2.47 a reference to a flavour, which may be gone meanwhile; from 2.47 on the flavour as it was at boot. */
function readFlavor(flavor: Field): Server['flavor'] {
  if (flavor.isNothing) return { id: null, name: null, extraSpecs: null, size: null };
  const extraSpecs = flavor.get('extra_specs');
  return {
    id: flavor.get('id').isNothing ? null : flavor.get('id').id(),
    name: flavor.get('original_name').stringOrNull(),
    extraSpecs: extraSpecs.isNothing ? null : extraSpecs.strings(),
    size: flavor.get('vcpus').isNothing ? null : readSize(flavor),
  };
}

function readSize(flavor: Field): FlavorSize {
  return {
    vcpus: flavor.get('vcpus').number(),
    memoryMb: flavor.get('ram').number(),
    rootGb: flavor.get('disk').number(),
    ephemeralGb: flavor.get('ephemeral').number(),
    swapMb: flavor.get('swap').number(),
  };
}

function readFault(fault: Field): ServerFault {
  return {
    message: (fault.get('message').stringOrNull() ?? '').trim(),
    code: fault.get('code').numberOrNull(),
    createdAt: fault.get('created').timeOrNull(),
  };
}

function emptyIsNull(text: string | null): string | null {
  return text === '' ? null : text;
}
