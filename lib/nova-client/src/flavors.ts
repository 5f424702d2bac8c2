/** Flavours with their extra specs. */
import type { ComputeApi } from './computeApi.ts';
import type { Field } from './decode.ts';
import { NovaError } from './errors.ts';
import type { CallOptions, Flavor } from './types.ts';

/** How many flavours are asked for at once, where each needs a request of its own. */
const atOnce = 4;

/**
 * All flavours: `is_public=None` is Nova's way to ask for private ones too. From 2.61 on the list carries the
 * extra specs, unless the policy hides them; else each flavour is asked for its own, so that a refusal shows
 * instead of passing for "no extra specs".
 */
export async function listFlavors(api: ComputeApi, options?: CallOptions): Promise<readonly Flavor[]> {
  const listed = await api.list('/flavors/detail', 'flavors', 'list the flavours', readFlavor, options, {
    is_public: 'None',
  });
  const flavors: Flavor[] = [];
  for (let start = 0; start < listed.length; start += atOnce) {
    const some = listed.slice(start, start + atOnce).map((flavor) => withExtraSpecs(api, flavor, options));
    for (const flavor of await Promise.all(some)) if (flavor !== null) flavors.push(flavor);
  }
  return flavors;
}

interface Listed {
  readonly id: string;
  readonly name: string;
  readonly extraSpecs: Readonly<Record<string, string>> | null;
}

function readFlavor(flavor: Field): Listed {
  const extraSpecs = flavor.get('extra_specs');
  return {
    id: flavor.get('id').id(),
    name: flavor.get('name').string(),
    extraSpecs: extraSpecs.isNothing ? null : extraSpecs.strings(),
  };
}

/** Null for a flavour that was deleted meanwhile. */
async function withExtraSpecs(
  api: ComputeApi,
  flavor: Listed,
  options?: CallOptions,
): Promise<Flavor | null> {
  const { id, name, extraSpecs } = flavor;
  if (extraSpecs !== null) return { id, name, extraSpecs };
  try {
    const own = await api.get(
      `/flavors/${encodeURIComponent(id)}/os-extra_specs`,
      `show the extra specs of flavour ${name}`,
      (body) => body.get('extra_specs').strings(),
      options,
    );
    return { id, name, extraSpecs: own };
  } catch (error) {
    if (error instanceof NovaError && error.code === 'notFound') return null;
    throw error;
  }
}
