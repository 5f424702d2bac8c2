import type { Flavor, Image, Server } from '@openstack-ts/nova-client';

/** The word that marks flavours (extra spec `evacuable=true`) and images (tag `evacuable`). */
export const evacuableTag = 'evacuable';

/** What of the cloud decides which instances are evacuated. */
export interface SelectionFacts {
  /** Null while it could not be read. */
  readonly flavors: readonly Flavor[] | null;
  /** Images tagged `evacuable`; null while it could not be read. */
  readonly taggedImages: readonly Image[] | null;
}

export type Selected =
  | { readonly kind: 'yes' }
  | { readonly kind: 'no'; readonly rule: string }
  /** Flavours or images could not be read, and it depends on them. */
  | { readonly kind: 'undecided'; readonly reason: string };

/**
 * The original's rule: where any flavour or image of the cloud is tagged, only instances of a tagged flavour or
 * image are evacuated; where nothing is tagged, all are. The live flavour counts; the copy that Nova keeps in the
 * instance stands in for a flavour that was deleted since.
 */
export function select(server: Server, facts: SelectionFacts): Selected {
  const flavors = facts.flavors ?? [];
  if (isTaggedFlavor(server, flavors)) return { kind: 'yes' };
  if (server.imageId !== null && facts.taggedImages?.some((image) => image.id === server.imageId)) {
    return { kind: 'yes' };
  }
  if (facts.flavors === null) return { kind: 'undecided', reason: 'flavours could not be read' };
  if (facts.taggedImages === null) return { kind: 'undecided', reason: 'image tags could not be read' };
  if (!flavors.some(isTagged) && facts.taggedImages.length === 0) return { kind: 'yes' };
  return {
    kind: 'no',
    rule: `neither its flavour (extra spec ${evacuableTag}=true) nor its image (tag ${evacuableTag}) is tagged, others are`,
  };
}

function isTaggedFlavor(server: Server, flavors: readonly Flavor[]): boolean {
  const { id, name, extraSpecs } = server.flavor;
  const live = flavors.find((flavor) => (id === null ? flavor.name === name : flavor.id === id));
  if (live !== undefined) return isTagged(live);
  return extraSpecs !== null && isTagged({ extraSpecs });
}

/** The original compared without regard to case and blanks; the key is exact. */
function isTagged(flavor: Pick<Flavor, 'extraSpecs'>): boolean {
  return flavor.extraSpecs[evacuableTag]?.trim().toLowerCase() === 'true';
}
