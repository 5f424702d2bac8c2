/** Servers: reading them and evacuating them. */
import type { ComputeApi } from './computeApi.ts';
import type { Field } from './decode.ts';
import type { Accepted, CallOptions, EvacuateRequest, Server, ServerFault } from './types.ts';

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

/**
 * From 2.14 on Nova finds out about shared storage itself and refuses to be told; below, it insists on it.
 * The body of the answer (a password below 2.14, nothing from then on) is not looked at.
 */
export function evacuate(
  api: ComputeApi,
  serverId: string,
  request: EvacuateRequest,
  options?: CallOptions,
): Promise<Accepted> {
  const body = {
    evacuate: {
      ...(api.minor >= 14 ? {} : { onSharedStorage: request.onSharedStorage }),
      // Below 2.29 Nova would take the named host without asking the scheduler whether it suits.
      ...(request.host === undefined || api.minor < 29 ? {} : { host: request.host }),
    },
  };
  const path = `/servers/${encodeURIComponent(serverId)}/action`;
  return api.postOnce(path, `evacuate server ${serverId}`, body, options);
}

/**
 * Reads a whole record, and as well the few fields that Nova gives while the cell's database cannot be reached
 * (status UNKNOWN, from 2.69).
 */
function readServer(server: Field): Server {
  const id = server.get('id').string();
  const metadata = server.get('metadata');
  const fault = server.get('fault');
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
  if (flavor.isNothing) return { id: null, name: null, extraSpecs: null };
  const extraSpecs = flavor.get('extra_specs');
  return {
    id: flavor.get('id').isNothing ? null : flavor.get('id').id(),
    name: flavor.get('original_name').stringOrNull(),
    extraSpecs: extraSpecs.isNothing ? null : extraSpecs.strings(),
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
