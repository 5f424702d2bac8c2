import { databaseTime } from '../clock.ts';
import { isObject } from '../http.ts';
import { type Aggregate, ApiError, badRequest, notFound } from '../model.ts';
import { jsonBody, type NovaAnswer, type NovaContext, requireAdmin } from './context.ts';

/** GET os-aggregates. */
export function listAggregates(context: NovaContext): NovaAnswer {
  requireAdmin(context, 'os_compute_api:os-aggregates:index');
  return { json: { aggregates: context.world.aggregates.map((aggregate) => show(context, aggregate)) } };
}

/** POST os-aggregates: without hosts. */
export function createAggregate(context: NovaContext): NovaAnswer {
  requireAdmin(context, 'os_compute_api:os-aggregates:create');
  const wish = jsonBody(context)['aggregate'];
  if (!isObject(wish) || typeof wish['name'] !== 'string') throw badRequest("'name' is a required property");
  const zone = wish['availability_zone'];
  const made = context.world.addAggregate(wish['name'], typeof zone === 'string' ? { zone } : {});
  return { json: { aggregate: show(context, made) } };
}

/** POST os-aggregates/{id}/action: add_host and remove_host. A host that has servers does not change its zone. */
export function changeAggregate(context: NovaContext, id: string): NovaAnswer {
  requireAdmin(context, 'os_compute_api:os-aggregates:add_host');
  const { world } = context;
  const aggregate = find(context, id);
  const [[name, argument] = ['', undefined]] = Object.entries(jsonBody(context));
  const host = isObject(argument) ? world.hosts.get(String(argument['host'])) : undefined;
  if (host === undefined) throw notFound('Compute host could not be found.');
  const inUse = [...world.servers.values()].some((server) => server.host === host.name);
  if (aggregate.zone !== null && inUse) {
    throw new ApiError(
      409,
      'conflictingRequest',
      `Cannot ${name} ${host.name}: it has instances in this zone`,
    );
  }
  if (name === 'add_host') world.addToAggregate(aggregate, host);
  else if (name === 'remove_host') world.removeFromAggregate(aggregate, host);
  else throw badRequest(`There is no such action: ${name}`);
  return { json: { aggregate: show(context, aggregate) } };
}

export function deleteAggregate(context: NovaContext, id: string): NovaAnswer {
  requireAdmin(context, 'os_compute_api:os-aggregates:delete');
  const aggregate = find(context, id);
  if (aggregate.hosts.length > 0) throw badRequest('Cannot remove host aggregate. Reason: It has hosts.');
  context.world.aggregates.splice(context.world.aggregates.indexOf(aggregate), 1);
  return { status: 200 };
}

function find(context: NovaContext, id: string): Aggregate {
  const aggregate = context.world.aggregates.find(({ number }) => String(number) === id);
  if (aggregate === undefined) throw notFound(`Aggregate ${id} could not be found.`);
  return aggregate;
}

function show(context: NovaContext, aggregate: Aggregate): unknown {
  return {
    id: aggregate.number,
    ...(context.minor >= 41 ? { uuid: aggregate.id } : {}),
    name: aggregate.name,
    hosts: aggregate.hosts,
    metadata:
      aggregate.zone === null
        ? aggregate.metadata
        : { ...aggregate.metadata, availability_zone: aggregate.zone },
    created_at: databaseTime(aggregate.createdAt),
    updated_at: null,
    deleted_at: null,
    deleted: false,
    availability_zone: aggregate.zone,
  };
}
