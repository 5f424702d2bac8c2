import type { ComputeApi } from './computeApi.ts';
import type { Field } from './decode.ts';
import type { CallOptions, ServerGroup } from './types.ts';

/** Throws `NovaError` with code `notFound` once the group is gone. */
export function getServerGroup(api: ComputeApi, id: string, options?: CallOptions): Promise<ServerGroup> {
  return api.get(
    `/os-server-groups/${encodeURIComponent(id)}`,
    `show server group ${id}`,
    (body) => {
      const group = body.get('server_group');
      return { id: group.get('id').string(), name: group.get('name').string(), policy: readPolicy(group) };
    },
    options,
  );
}

/** `policy` from 2.64 on; below a list of them, of which there has never been more than one. */
function readPolicy(group: Field): string {
  const policies = group.get('policies');
  const first = policies.isNothing ? undefined : policies.list((policy) => policy.string())[0];
  return group.get('policy').stringOrNull() ?? first ?? '';
}
