/** Compute services: `os-services`, in its form by host (below 2.53) and by id (from 2.53). */
import type { ComputeApi } from './computeApi.ts';
import { type Field, WrongShape } from './decode.ts';
import { NovaError } from './errors.ts';
import type { Accepted, CallOptions, ComputeService } from './types.ts';

const binary = 'nova-compute';
/** Longest text that Nova accepts. */
const longestReason = 255;

export function listComputeServices(
  api: ComputeApi,
  options?: CallOptions,
): Promise<readonly ComputeService[]> {
  return api.get(
    '/os-services',
    'list the compute services',
    (body) =>
      body
        .get('services')
        .list(readService)
        .filter((service) => service !== null),
    options,
    { binary },
  );
}

/** Null for services other than nova-compute, should a Nova not heed the filter. */
function readService(service: Field): ComputeService | null {
  if (service.get('binary').string() !== binary) return null;
  const host = service.get('host').string();
  // While the database of a cell cannot be reached, Nova gives host, binary and this status alone (2.69).
  if (service.get('status').value === 'UNKNOWN') {
    const nothing = { disabledReason: null, forcedDown: false, updatedAt: null };
    return { id: '', host, state: 'unknown', status: 'unknown', ...nothing };
  }
  return {
    id: service.get('id').id(),
    host,
    state: oneOf(service.get('state'), 'up', 'down'),
    status: oneOf(service.get('status'), 'enabled', 'disabled'),
    disabledReason: service.get('disabled_reason').stringOrNull(),
    // Absent below 2.11, where there is no such thing.
    forcedDown: service.get('forced_down').booleanOrNull() ?? false,
    updatedAt: service.get('updated_at').timeOrNull(),
  };
}

function oneOf<T extends string>(field: Field, first: T, second: T): T {
  const text = field.string();
  if (text === first || text === second) return text === first ? first : second;
  throw new WrongShape(field.where, field.value, `"${first}" or "${second}"`);
}

export async function setForcedDown(
  api: ComputeApi,
  service: ComputeService,
  forcedDown: boolean,
  options?: CallOptions,
): Promise<Accepted> {
  const purpose = forcedDown ? `force ${service.host} down` : `take forced_down from ${service.host}`;
  if (api.minor >= 53)
    return api.put(pathById(service, purpose), purpose, { forced_down: forcedDown }, options);
  if (api.minor >= 11) {
    const body = { host: service.host, binary, forced_down: forcedDown };
    return api.put('/os-services/force-down', purpose, body, options);
  }
  throw new NovaError(
    'badRequest',
    `Nova cannot ${purpose}: it speaks microversion 2.${api.minor} at most, and forced_down came with 2.11`,
  );
}

export async function disableService(
  api: ComputeApi,
  service: ComputeService,
  reason: string,
  options?: CallOptions,
): Promise<Accepted> {
  const purpose = `disable ${service.host}`;
  const text = reason.slice(0, longestReason);
  if (api.minor >= 53) {
    const body = { status: 'disabled', disabled_reason: text };
    return api.put(pathById(service, purpose), purpose, body, options);
  }
  const body = { host: service.host, binary, disabled_reason: text };
  return api.put('/os-services/disable-log-reason', purpose, body, options);
}

export async function enableService(
  api: ComputeApi,
  service: ComputeService,
  options?: CallOptions,
): Promise<Accepted> {
  const purpose = `enable ${service.host}`;
  if (api.minor >= 53) return api.put(pathById(service, purpose), purpose, { status: 'enabled' }, options);
  return api.put('/os-services/enable', purpose, { host: service.host, binary }, options);
}

function pathById(service: ComputeService, purpose: string): string {
  if (service.id !== '') return `/os-services/${encodeURIComponent(service.id)}`;
  throw new NovaError(
    'serverError',
    `Nova cannot ${purpose} for now: the database of the cell that ${service.host} belongs to does not answer`,
  );
}
