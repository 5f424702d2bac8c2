import { AttrdError } from '../attrd/errors.ts';
import { type NodeName, nodeName } from '../attrd/names.ts';
import { descendants, type Element, parseXmlDocument } from '../attrd/xml.ts';

/** By node, the types of the resources that are active there. */
export type ActiveTypes = ReadonlyMap<NodeName, ReadonlySet<string>>;

/** A configured resource that is no group or clone. */
export interface Primitive {
  readonly id: string;
  /** `bundle` for a bundle, which has no class of its own. */
  readonly class: string;
  readonly provider: string | null;
  /** For a bundle, the engine that runs it. */
  readonly type: string;
  /** What it runs, where it runs a container: its name and its image, as far as they are given. */
  readonly contents: readonly string[];
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

/** Parameters of `ocf:heartbeat:podman`, `docker`, `lxc` and the like that say what is run. */
const CONTENTS = ['name', 'container', 'image'];

/**
 * Parses the primitives, the templates that they are made from (Pacemaker Explained, "Reusing Resource Definitions"), and the
 * bundles. A resource whose kind cannot be told is no answer: throws `AttrdError`.
 */
export async function parsePrimitives(output: string): Promise<Primitive[]> {
  const document = await parseXmlDocument(output, 'cibadmin');
  const templates = new Map(
    descendants(document, 'template').map((each) => [each.attributes['id'] ?? '', each] as const),
  );
  const primitives: Primitive[] = [];
  for (const element of descendants(document, 'primitive')) {
    const template = templates.get(element.attributes['template'] ?? '');
    const { id, class: standard, provider, type } = { ...template?.attributes, ...element.attributes };
    if (id === undefined || standard === undefined || type === undefined) {
      throw new AttrdError('malformed', 'cibadmin answered a resource without id, class or type');
    }
    const contents = [...contentsOf(element), ...(template === undefined ? [] : contentsOf(template))];
    primitives.push({ id, class: standard, provider: provider ?? null, type, contents });
  }
  for (const bundle of descendants(document, 'bundle')) {
    const { id = '' } = bundle.attributes;
    for (const engine of ['docker', 'podman', 'rkt']) {
      const images = descendants(bundle, engine).flatMap(({ attributes }) => attributes['image'] ?? []);
      if (images.length === 0) continue;
      primitives.push({ id, class: 'bundle', provider: null, type: engine, contents: [id, ...images] });
    }
  }
  return primitives;
}

function contentsOf(element: Element): readonly string[] {
  return descendants(element, 'nvpair').flatMap(({ attributes: { name = '', value } }) =>
    CONTENTS.includes(name) && value !== undefined ? [value] : [],
  );
}
