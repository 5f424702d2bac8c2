import { databaseTime } from '../clock.ts';
import { type NovaAnswer, type NovaContext, requireAdmin } from './context.ts';

/** GET os-aggregates. */
export function listAggregates(context: NovaContext): NovaAnswer {
  requireAdmin(context, 'os_compute_api:os-aggregates:index');
  const aggregates = context.world.aggregates.map((aggregate) => ({
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
  }));
  return { json: { aggregates } };
}
