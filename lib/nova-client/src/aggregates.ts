import type { ComputeApi } from './computeApi.ts';
import type { Aggregate, CallOptions } from './types.ts';

/** Host aggregates; Nova gives them in one page. */
export function listAggregates(api: ComputeApi, options?: CallOptions): Promise<readonly Aggregate[]> {
  return api.get(
    '/os-aggregates',
    'list the host aggregates',
    (body) =>
      body.get('aggregates').list((aggregate) => ({
        id: aggregate.get('id').id(),
        name: aggregate.get('name').string(),
        availabilityZone: aggregate.get('availability_zone').stringOrNull(),
        hosts: aggregate.get('hosts').list((host) => host.host()),
        metadata: aggregate.get('metadata').strings(),
      })),
    options,
  );
}
