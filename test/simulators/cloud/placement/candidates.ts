import { type Host, type ResourceClass, type Resources, resourceClasses } from '../model.ts';
import { malformed, type PlacementRequest } from './errors.ts';

const parameters = ['resources', 'required', 'limit', 'in_tree', 'member_of', 'group_policy'];

/**
 * GET /allocation_candidates: hosts that have room for what is asked, whether or not they are up or enabled (their
 * traits say whether they are disabled). A host without room is not in it, nor in the summaries. All resource classes
 * are told from 1.27 on, those that were asked for below.
 */
export function listCandidates({ world, request, minor }: PlacementRequest): unknown {
  const { query } = request;
  const stray = [...query.keys()].find((key) => !parameters.includes(key));
  if (stray !== undefined) {
    throw malformed(`Invalid query string parameters: '${stray}' does not match any of the regexes`);
  }
  const wanted = wantedResources(query.get('resources'));
  const required = (query.get('required') ?? '').split(',').filter((trait) => trait !== '');
  const tree = query.get('in_tree');
  let hosts = [...world.hosts.values()].filter(
    (host) =>
      world.allocations.fits(host, wanted) &&
      (tree === null || host.hypervisorId === tree) &&
      required.every((trait) => hasTrait(host, trait)),
  );
  const limit = query.get('limit');
  if (limit !== null) hosts = hosts.slice(0, Number(limit));
  const shown = minor >= 27 ? resourceClasses : resourceClasses.filter((name) => wanted[name] !== undefined);
  return {
    allocation_requests: hosts.map((host) => allocationRequest(host, wanted, minor)),
    provider_summaries: Object.fromEntries(
      hosts.map((host) => [
        host.hypervisorId,
        {
          resources: summary(host, world.allocations.used(host.name), shown),
          ...(minor >= 17 ? { traits: traitsOf(host) } : {}),
          ...(minor >= 29 ? { parent_provider_uuid: null, root_provider_uuid: host.hypervisorId } : {}),
        },
      ]),
    ),
  };
}

function summary(host: Host, used: Readonly<Resources>, shown: readonly ResourceClass[]): unknown {
  return Object.fromEntries(shown.map((name) => [name, { capacity: host.capacity[name], used: used[name] }]));
}

function allocationRequest(host: Host, resources: Partial<Resources>, minor: number): unknown {
  const id = host.hypervisorId;
  if (minor < 12) return { allocations: [{ resource_provider: { uuid: id }, resources }] };
  return {
    allocations: { [id]: { resources } },
    ...(minor >= 34 ? { mappings: { '': [id] } } : {}),
  };
}

function traitsOf(host: Host): string[] {
  return [
    'COMPUTE_NODE',
    'COMPUTE_TRUSTED_CERTS',
    ...(host.disabledTrait ? ['COMPUTE_STATUS_DISABLED'] : []),
  ];
}

function hasTrait(host: Host, trait: string): boolean {
  const forbidden = trait.startsWith('!');
  return traitsOf(host).includes(forbidden ? trait.slice(1) : trait) !== forbidden;
}

/** `VCPU:1,MEMORY_MB:128` */
function wantedResources(given: string | null): Partial<Resources> {
  if (given === null) {
    throw malformed(
      'There must be at least one resources or resources[$S] parameter.',
      'placement.query.missing_value',
    );
  }
  const wanted: Partial<Resources> = {};
  for (const part of given.split(',')) {
    const match = /^([^:]+):(\d+)$/.exec(part);
    if (match === null) {
      throw malformed(
        'Badly formed resources parameter. Expected resources query string parameter in form: ' +
          `?resources=VCPU:2,MEMORY_MB:1024. Got: ${part}.`,
      );
    }
    const name = resourceClasses.find((known) => known === match[1]);
    if (name === undefined) {
      throw malformed(`Invalid resource class in resources parameter: No such resource class ${match[1]}.`);
    }
    const amount = Number(match[2]);
    if (amount < 1) throw malformed(`Requested resource ${name} requires amount >= 1. Got: ${amount}.`);
    wanted[name] = amount;
  }
  return wanted;
}
