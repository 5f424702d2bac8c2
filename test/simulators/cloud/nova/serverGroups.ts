import { invalidInput, isObject, onlyMembers, requireMembers } from '../http.ts';
import { badRequest, notFound, type ServerGroup } from '../model.ts';
import { jsonBody, type NovaAnswer, type NovaContext } from './context.ts';

const policies = ['anti-affinity', 'affinity', 'soft-anti-affinity', 'soft-affinity'];

/** GET os-server-groups: the project's own, or everybody's with `all_projects`. */
export function listServerGroups(context: NovaContext): NovaAnswer {
  const all = context.isAdmin && context.request.query.has('all_projects');
  const groups = [...context.world.groups.values()].filter(
    (group) => all || group.projectId === context.token.project?.id,
  );
  return { json: { server_groups: groups.map((group) => show(context, group)) } };
}

export function getServerGroup(context: NovaContext, id: string): NovaAnswer {
  return { json: { server_group: show(context, find(context, id)) } };
}

/** POST os-server-groups: a list of one policy below 2.64, one policy and its rules from there on. */
export function createServerGroup(context: NovaContext): NovaAnswer {
  const { minor, world } = context;
  const wish = jsonBody(context)['server_group'];
  if (!isObject(wish)) throw badRequest("'server_group' is a required property");
  const member = minor >= 64 ? 'policy' : 'policies';
  onlyMembers('server_group', wish, ['name', member, ...(minor >= 64 ? ['rules'] : [])]);
  requireMembers('server_group', wish, ['name', member]);
  const { policies: listed, rules } = wish;
  const policy = minor >= 64 ? wish['policy'] : Array.isArray(listed) ? listed[0] : undefined;
  const known = minor >= 15 ? policies : policies.slice(0, 2);
  if (typeof policy !== 'string' || !known.includes(policy)) {
    throw invalidInput(member, policy, `is not one of [${known.map((name) => `'${name}'`).join(', ')}]`);
  }
  const most = isObject(rules) ? rules['max_server_per_host'] : undefined;
  if (most !== undefined && policy !== 'anti-affinity') {
    throw badRequest('Only anti-affinity policy supports rules.');
  }
  const group = world.addGroup(String(wish['name']), policy, {
    projectId: context.by.projectId,
    userId: context.by.userId,
    ...(most === undefined ? {} : { maxPerHost: Number(most) }),
  });
  return { json: { server_group: show(context, group) } };
}

export function deleteServerGroup(context: NovaContext, id: string): NovaAnswer {
  context.world.deleteGroup(find(context, id));
  return { status: 204 };
}

function find(context: NovaContext, id: string): ServerGroup {
  const group = context.world.groups.get(id);
  if (group === undefined || !(context.isAdmin || group.projectId === context.token.project?.id)) {
    throw notFound(`Instance group ${id} could not be found.`);
  }
  return group;
}

function show({ minor }: NovaContext, group: ServerGroup): unknown {
  return {
    id: group.id,
    name: group.name,
    ...(minor >= 64
      ? {
          policy: group.policy,
          rules: group.maxPerHost === null ? {} : { max_server_per_host: group.maxPerHost },
        }
      : { policies: [group.policy], metadata: {} }),
    members: [...group.members],
    ...(minor >= 13 ? { project_id: group.projectId, user_id: group.userId } : {}),
  };
}
