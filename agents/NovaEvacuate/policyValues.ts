import type { OcfContext } from '../../lib/ocf/index.ts';

/** The parameters that make up the policy, as given. */
export function policyValues({ parameters }: Pick<OcfContext, 'parameters'>) {
  return {
    include: parameters.string('include'),
    exclude: parameters.string('exclude'),
    priority: parameters.string('priority'),
    other_states: parameters.string('other_states'),
    no_image_tags: parameters.boolean('no_image_tags'),
  };
}
