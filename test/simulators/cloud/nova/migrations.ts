import { databaseTime } from '../clock.ts';
import { badRequest, type Migration } from '../model.ts';
import { isNamed, type NovaAnswer, type NovaContext, paginate, requireAdmin, spelled } from './context.ts';

const filters = ['hidden', 'host', 'instance_uuid', 'source_compute', 'status', 'migration_type'];

/**
 * GET os-migrations. From 2.59 newest first, in pages and strict about its query; below that everything at once, in
 * no order, and `limit` is ignored.
 */
export function listMigrations(context: NovaContext): NovaAnswer {
  requireAdmin(context, 'os_compute_api:os-migrations:index');
  const { minor } = context;
  const { query } = context.request;
  if (minor >= 59) {
    const known = [...filters, 'limit', 'marker', 'changes-since'];
    if (minor >= 66) known.push('changes-before');
    if (minor >= 80) known.push('user_id', 'project_id');
    const strays = [...query.keys()].filter((key) => !known.includes(key));
    if (strays.length > 0) {
      throw badRequest(
        `Additional properties are not allowed (${strays.map((key) => `'${key}'`).join(', ')} ` +
          `${strays.length === 1 ? 'was' : 'were'} unexpected)`,
      );
    }
  }
  let found = context.world.migrations.filter(filterOf(context));
  if (minor < 59) return { json: { migrations: found.map((migration) => show(context, migration)) } };
  found = found.reverse();
  const { page, links } = paginate(context, found, '/os-migrations');
  return {
    json: {
      migrations: page.map((migration) => show(context, migration)),
      ...(links === undefined ? {} : { migrations_links: links }),
    },
  };
}

/** What the query asks for, read once for all records. */
function filterOf(context: NovaContext): (migration: Migration) => boolean {
  const { query } = context.request;
  if (context.world.knobs.cellDown) return () => false;
  const host = query.get('host');
  const source = query.get('source_compute');
  const status = query.get('status');
  const type = query.get('migration_type');
  const server = query.get('instance_uuid');
  const since = context.minor >= 59 ? query.get('changes-since') : null;
  const from = since === null ? null : Date.parse(since);
  if (from !== null && Number.isNaN(from)) {
    throw badRequest(
      `Invalid input for query parameters changes-since. Value: ${since}. is not a 'date-time'`,
    );
  }
  return (migration) =>
    (server === null || migration.serverId === server) &&
    (host === null || isNamed(migration.sourceHost, host) || isNamed(migration.destHost, host)) &&
    (source === null || isNamed(migration.sourceHost, source)) &&
    (status === null || migration.status === status) &&
    (type === null || migration.type === type) &&
    // The database compares updated_at, and a record that was never updated has none: it is not found.
    (from === null ||
      (migration.updatedAt !== null && Math.floor(migration.updatedAt / 1000) * 1000 >= from));
}

function show(context: NovaContext, migration: Migration): unknown {
  const { minor } = context;
  return {
    id: migration.number,
    ...(minor >= 59 ? { uuid: migration.id } : {}),
    source_compute: spelled(context, migration.sourceHost),
    dest_compute: spelled(context, migration.destHost),
    source_node: migration.sourceHost,
    dest_node: migration.claimed ? migration.destHost : null,
    dest_host: migration.claimed ? '192.168.0.1' : null,
    old_instance_type_id: null,
    new_instance_type_id: null,
    instance_uuid: migration.serverId,
    status: migration.status,
    ...(minor >= 23 ? { migration_type: migration.type } : {}),
    ...(minor >= 80 ? { user_id: migration.userId, project_id: migration.projectId } : {}),
    created_at: databaseTime(migration.createdAt),
    updated_at: migration.updatedAt === null ? null : databaseTime(migration.updatedAt),
  };
}
