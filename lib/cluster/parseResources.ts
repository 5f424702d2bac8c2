import { AttrdError } from '../attrd/errors.ts';
import { type NodeName, nodeName } from '../attrd/names.ts';
import { descendants, type Element, parseXmlDocument } from '../attrd/xml.ts';

/** By node, the types of the resources that are active there. */
export type ActiveTypes = ReadonlyMap<NodeName, ReadonlySet<string>>;

/** A configured resource that is no group, clone or bundle. */
export interface Primitive {
  readonly id: string;
  readonly class: string;
  readonly provider: string | null;
  readonly type: string;
}

/**
 * Parses `cibadmin --query --scope status`: by node, the types of the resources (`ocf:openstack:NovaCompute` is
 * `NovaCompute`) that were started, or found running, on it. That is the history of operations (`lrm_resource type=`,
 * `lrm_rsc_op operation= rc-code=`) below each `node_state`; a start counts from the moment it is under way.
 *
 * @param only the one type that is asked about; null: all
 */
export async function parseActiveTypes(output: string, only: string | null = null): Promise<ActiveTypes> {
  const others =
    only === null
      ? []
      : [
          new RegExp(
            `<lrm_resource (?![^<>]*\\btype="${only}")[^<>]*>\\s*(?:<lrm_rsc_op [^<>]*/>\\s*)*</lrm_resource>\\s*`,
            'g',
          ),
        ];
  const document = await parseXmlDocument(output, 'cibadmin', others);
  const types = new Map<NodeName, ReadonlySet<string>>();
  for (const state of descendants(document, 'node_state')) {
    const name = state.attributes['uname'] ?? state.attributes['id'];
    if (name === undefined)
      throw new AttrdError('malformed', 'cibadmin answered a node state without a name');
    const active = new Set<string>();
    for (const resource of descendants(state, 'lrm_resource')) {
      const { type } = resource.attributes;
      if (type !== undefined && descendants(resource, 'lrm_rsc_op').some(isActive)) active.add(type);
    }
    types.set(nodeName(name), active);
  }
  return types;
}

function isActive({ attributes }: Element): boolean {
  const { operation, 'rc-code': code } = attributes;
  return operation === 'start' || (operation === 'monitor' && (code === '0' || code === '190'));
}

export async function parsePrimitives(output: string): Promise<Primitive[]> {
  const primitives: Primitive[] = [];
  for (const { attributes } of descendants(await parseXmlDocument(output, 'cibadmin'), 'primitive')) {
    const { id, class: standard, provider, type } = attributes;
    if (id === undefined || standard === undefined || type === undefined) {
      throw new AttrdError('malformed', 'cibadmin answered a resource without id, class or type');
    }
    primitives.push({ id, class: standard, provider: provider ?? null, type });
  }
  return primitives;
}
