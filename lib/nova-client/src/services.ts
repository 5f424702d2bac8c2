/** Compute services: `os-services`, in its form by host (below 2.53) and by id (from 2.53). */
import type { ComputeApi } from './computeApi.ts';
import { type Field, parseTime, WrongShape } from './decode.ts';
import { NovaError } from './errors.ts';
import type { NovaHost } from './names.ts';
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
        .list((service) => readListed(api, service))
        .filter((service) => service !== null),
    options,
    { binary },
  );
}

/**
 * One record that is not as promised must not hold up every host. It counts as a service whose state Nova does not tell.
 * One without the name of its host could be any host's, and the list cannot be relied on.
 */
function readListed(api: ComputeApi, service: Field): ComputeService | null {
  try {
    return readService(service);
  } catch (error) {
    if (!(error instanceof WrongShape)) throw error;
    const host = service.get('host').host();
    api.note(`${host} counts as one that Nova does not tell about: ${error.message}`);
    return untold(host);
  }
}

function untold(host: NovaHost): ComputeService {
  const nothing = { zone: null, disabledReason: null, forcedDown: false, updatedAt: null };
  return { id: '', host, state: 'unknown', status: 'unknown', ...nothing };
}

/** Null for services other than nova-compute, should a Nova not heed the filter. */
function readService(service: Field): ComputeService | null {
  if (service.get('binary').string() !== binary) return null;
  const host = service.get('host').host();
  // While the database of a cell cannot be reached, Nova gives host, binary and this status alone (2.69).
  if (service.get('status').value === 'UNKNOWN') return untold(host);
  const updatedAt = service.get('updated_at');
  return {
    id: service.get('id').id(),
    host,
    zone: service.get('zone').stringOrNull(),
    state: oneOf(service.get('state'), 'up', 'down'),
    status: oneOf(service.get('status'), 'enabled', 'disabled'),
    disabledReason: service.get('disabled_reason').stringOrNull(),
    // Absent below 2.11, where there is no such thing.
    forcedDown: service.get('forced_down').booleanOrNull() ?? false,
    updatedAt: typeof updatedAt.value === 'string' ? parseTime(updatedAt.value) : null,
  };
}

function oneOf<T extends string>(field: Field, first: T, second: T): T {
  const text = field.string();
  if (text === first || text === second) return text === first ? first : second;
  throw new WrongShape(field.where, field.value, `"${first}" or "${second}"`);
}

/**
 * Taking it away is 400 while `done` evacuation records of the host remain, from 24.0 (Xena) on
 * (nova/api/openstack/compute/services.py, _check_for_evacuations). An older Nova takes it away at once, whether the host has
 * cleaned up what left it or not: whoever takes a host back has to look at its records first.
 */
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
    `Nova cannot ${purpose} for now: its record of ${service.host} is not whole, as when the database of the host's cell does not answer`,
  );
}
