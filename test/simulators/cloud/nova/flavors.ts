import { randomUUID } from 'node:crypto';
import { isObject, requireMembers } from '../http.ts';
import { badRequest, type Flavor, notFound } from '../model.ts';
import { jsonBody, type NovaAnswer, type NovaContext, paginate, requireAdmin } from './context.ts';

/** GET /flavors and /flavors/detail, by id; `is_public=None` shows private ones too, to administrators. */
export function listFlavors(context: NovaContext, detail: boolean): NovaAnswer {
  const wanted = context.request.query.get('is_public')?.toLowerCase();
  const flavors = [...context.world.flavors.values()]
    .filter((flavor) => {
      if (!context.isAdmin || wanted === undefined) return flavor.isPublic;
      if (wanted === 'none') return true;
      return flavor.isPublic === ['true', 't', '1', 'yes', 'on'].includes(wanted);
    })
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  const { page, links } = paginate(context, flavors, detail ? '/flavors/detail' : '/flavors');
  const shown = page.map((flavor) =>
    detail ? show(context, flavor) : { id: flavor.id, name: flavor.name, links: linksOf(context, flavor) },
  );
  return { json: { flavors: shown, ...(links === undefined ? {} : { flavors_links: links }) } };
}

/** POST /flavors, as much of it as the contract suite needs. */
export function createFlavor(context: NovaContext): NovaAnswer {
  requireAdmin(context, 'os_compute_api:os-flavor-manage:create');
  const wish = jsonBody(context)['flavor'];
  if (!isObject(wish)) throw badRequest("'flavor' is a required property");
  requireMembers('flavor', wish, ['name', 'ram', 'vcpus', 'disk']);
  const { id } = wish;
  const made = context.world.addFlavor(String(wish['name']), {
    id: typeof id === 'string' ? id : randomUUID(),
    memoryMb: Number(wish['ram']),
    vcpus: Number(wish['vcpus']),
    diskGb: Number(wish['disk']),
    ephemeralGb: Number(wish['OS-FLV-EXT-DATA:ephemeral'] ?? 0),
    swapMb: Number(wish['swap'] ?? 0),
  });
  return { json: { flavor: show(context, made) } };
}

export function deleteFlavor(context: NovaContext, id: string): NovaAnswer {
  requireAdmin(context, 'os_compute_api:os-flavor-manage:delete');
  context.world.flavors.delete(find(context, id).id);
  return { status: 202 };
}

function linksOf(context: NovaContext, flavor: Flavor): unknown {
  return [
    { rel: 'self', href: `${context.origin}/v2.1/flavors/${flavor.id}` },
    { rel: 'bookmark', href: `${context.origin}/flavors/${flavor.id}` },
  ];
}

function show(context: NovaContext, flavor: Flavor): unknown {
  return {
    id: flavor.id,
    name: flavor.name,
    ram: flavor.memoryMb,
    disk: flavor.diskGb,
    swap: flavor.swapMb === 0 && context.minor < 75 ? '' : flavor.swapMb,
    'OS-FLV-EXT-DATA:ephemeral': flavor.ephemeralGb,
    'OS-FLV-DISABLED:disabled': false,
    vcpus: flavor.vcpus,
    'os-flavor-access:is_public': flavor.isPublic,
    rxtx_factor: 1.0,
    links: linksOf(context, flavor),
    ...(context.minor >= 55 ? { description: null } : {}),
    ...(context.minor >= 61 ? { extra_specs: flavor.extraSpecs } : {}),
  };
}

export function getFlavor(context: NovaContext, id: string): NovaAnswer {
  return { json: { flavor: show(context, find(context, id)) } };
}

export function getExtraSpecs(context: NovaContext, id: string): NovaAnswer {
  return { json: { extra_specs: find(context, id).extraSpecs } };
}

function find(context: NovaContext, id: string): Flavor {
  const flavor = context.world.flavors.get(id);
  if (flavor === undefined) throw notFound(`Flavor ${id} could not be found.`);
  return flavor;
}
