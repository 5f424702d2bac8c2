/** Servers: reading them and evacuating them. */
import type { ComputeApi } from './computeApi.ts';
import { Field, WrongShape } from './decode.ts';
import type { NovaHost, ServerId } from './names.ts';
import { faultReason } from './reason.ts';
import { tellable } from './secrets.ts';
import type { Accepted, CallOptions, EvacuateRequest, FlavorSize, Server, ServerFault } from './types.ts';

export function listServers(
  api: ComputeApi,
  filter: { readonly host: NovaHost; readonly limit?: number },
  options?: CallOptions,
): Promise<readonly Server[]> {
  const limit: Record<string, string> = filter.limit === undefined ? {} : { limit: String(filter.limit) };
  return api.list(
    '/servers/detail',
    'servers',
    `list the servers on ${filter.host}`,
    (server) => readListed(api, server),
    options,
    { host: filter.host, all_tenants: '1', ...limit },
    filter.limit,
  );
}

export function getServer(api: ComputeApi, id: ServerId, options?: CallOptions): Promise<Server> {
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
 * Nova accepts it for a server that has a task, even that of an evacuation under way, which it wrecks. Before Launchpad
 * 1978983 (fixed in 26.0, 25.1, 24.2, 23.2.2) it is 409 `… while it is in task_state …` (nova/compute/api.py, evacuate).
 *
 * The body of the answer (up to 2.13 a password that Nova has made up, nothing from then on) is not looked at.
 */
export function evacuate(
  api: ComputeApi,
  id: ServerId,
  request: EvacuateRequest,
  options?: CallOptions,
): Promise<Accepted> {
  const { disk, host } = request;
  const asked = disk === 'keep' ? api.atMost(toldAboutStorage) : api;
  const body = {
    evacuate: {
      ...(asked.minor > toldAboutStorage ? {} : { onSharedStorage: disk === 'keep' }),
      // Below 2.29 Nova takes the named host without asking the scheduler whether it suits.
      ...(host === undefined || (asked.minor < 29 && disk !== 'keep') ? {} : { host }),
    },
  };
  const path = `/servers/${encodeURIComponent(id)}/action`;
  return asked.postOnce(path, `evacuate server ${id}`, body, options);
}

/**
 * One record that is not as promised must not hold up all others of its host. It counts as one whose state Nova does not
 * tell, which is what an unreachable cell gives: nothing is done with it, and it is named. Without an id there is no
 * such record, and the list cannot be relied on.
 */
function readListed(api: ComputeApi, server: Field): Server {
  const id = server.get('id').string();
  try {
    return readServer(server);
  } catch (error) {
    if (!(error instanceof WrongShape)) throw error;
    api.note(`server ${id} counts as one that Nova does not tell about: ${error.message}`);
    return readServer(new Field({ id, status: 'UNKNOWN' }, server.where));
  }
}

/**
 * Reads a whole record, and as well the few fields that Nova gives while the cell's database cannot be reached
 * (status UNKNOWN, from 2.69).
 */
function readServer(server: Field): Server {
  const id = server.get('id').serverId();
  const metadata = server.get('metadata');
  const fault = server.get('fault');
  const volumes = server.get('os-extended-volumes:volumes_attached');
  const groups = server.get('server_groups');
  return {
    id,
    ...hiddenBy(server),
    name: textOr(server.get('name'), id),
    host: emptyIsNull(server.get('OS-EXT-SRV-ATTR:host').hostOrNull()),
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

/**
 * Which policy hides something from this user. Nova leaves out what its policy hides; what it does not know it shows as null, and
 * while a cell does not answer the status is UNKNOWN (nova/api/openstack/compute/views/servers.py, `show` and `_show_from_down_cell`).
 * The second policy is gone since 21.0 (Ussuri).
 */
function hiddenBy(server: Field): Pick<Server, 'hiddenBy'> {
  if (server.get('status').value === 'UNKNOWN') return {};
  const isHidden = (key: string) => server.get(key).value === undefined;
  if (isHidden('OS-EXT-SRV-ATTR:host')) return { hiddenBy: 'os_compute_api:os-extended-server-attributes' };
  return isHidden('OS-EXT-STS:vm_state') ? { hiddenBy: 'os_compute_api:os-extended-status' } : {};
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
  const message = textOr(fault.get('message'), '');
  return {
    message: tellable(message),
    reason: faultReason(message, textOr(fault.get('details'), '')),
    code: fault.get('code').numberOrNull(),
    createdAt: fault.get('created').timeOrNull(),
  };
}

/** For what is only shown. */
function textOr(field: Field, otherwise: string): string {
  return typeof field.value === 'string' ? field.value : otherwise;
}

function emptyIsNull<T extends string>(text: T | null): T | null {
  return text === '' ? null : text;
}
