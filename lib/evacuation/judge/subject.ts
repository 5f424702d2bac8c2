import type { Flavor, Server } from '@openstack-ts/nova-client';
import { hostKey } from '../incident/names.ts';
import { isUnknown, type Known } from '../look/known.ts';
import type { AggregateFacts, ImageFacts, PolicyFacts } from '../look/policyFacts.ts';
import type { Subject, Values } from './criteria.ts';

type Properties = Readonly<Record<string, string>>;

/**
 * One instance, as rules see it: what Nova says of it, joined with what is known of its surroundings.
 *
 * @param stateIsLost see {@link Subject}
 */
export function subjectOf(server: Server, facts: PolicyFacts, stateIsLost = false): Subject {
  const { projectId, availabilityZone, metadata, vmState } = server;
  const aggregates = aggregatesOf(server, facts);
  const extraSpecs = extraSpecsOf(server, facts);
  const images = imagesOf(server, facts);
  return {
    stateIsLost,
    plain: {
      name: all([server.name]),
      state: vmState === null ? none('Nova does not tell its state') : all([vmState]),
      project: projectValues(projectId, facts),
      zone: availabilityZone === null ? none('Nova does not tell its zone') : all([availabilityZone]),
      aggregate: isUnknown(aggregates)
        ? none(aggregates.unknown)
        : all(aggregates.value.map(({ name }) => name)),
      flavor: flavorName(server, facts),
      image: {
        known: [
          ...(server.imageId === null ? [] : [server.imageId]),
          ...images.known.flatMap(({ names }) => names),
        ],
        unknown: images.unknown,
      },
    },
    properties: {
      metadata: { value: [metadata] },
      flavor: isUnknown(extraSpecs) ? extraSpecs : { value: [extraSpecs.value] },
      image:
        images.unknown === null
          ? { value: images.known.map(({ properties }) => properties) }
          : { unknown: images.unknown },
    },
  };
}

/**
 * The extra specs that count: those of the live flavour; the copy that Nova keeps in the instance stands in for a flavour that
 * was deleted since, and while flavours cannot be read, for it is what Nova itself goes by.
 */
export function extraSpecsOf(server: Server, facts: PolicyFacts): Known<Properties> {
  const { extraSpecs: copy } = server.flavor;
  if (isUnknown(facts.flavors)) return copy === null ? facts.flavors : { value: copy };
  return { value: liveFlavor(server, facts.flavors.value)?.extraSpecs ?? copy ?? {} };
}

/** The aggregates that its host is in. */
export function aggregatesOf(
  { host }: Server,
  { aggregates }: PolicyFacts,
): Known<readonly AggregateFacts[]> {
  if (isUnknown(aggregates)) return aggregates;
  if (host === null) return { unknown: 'Nova does not tell its host' };
  const wanted = hostKey(host);
  return { value: aggregates.value.filter(({ hosts }) => hosts.has(wanted)) };
}

/** By the id below 2.47, by the name from then on. */
function liveFlavor({ flavor: { id, name } }: Server, flavors: readonly Flavor[]): Flavor | undefined {
  return flavors.find((flavor) => (id === null ? flavor.name === name : flavor.id === id));
}

function flavorName(server: Server, { flavors }: PolicyFacts): Values {
  const { name } = server.flavor;
  if (name !== null) return all([name]);
  if (isUnknown(flavors)) return none(flavors.unknown);
  const live = liveFlavor(server, flavors.value);
  return live === undefined ? none('its flavour is gone, and Nova does not tell its name') : all([live.name]);
}

function projectValues(id: string | null, { projectNames }: PolicyFacts): Values {
  if (id === null) return none('Nova does not tell its project');
  if (isUnknown(projectNames)) return { known: [id], unknown: projectNames.unknown };
  const name = projectNames.value.get(id);
  return all(name === undefined ? [id] : [id, name]);
}

/**
 * Its image; of an instance that boots from a volume, the image that the volume was made from. Which of several bootable volumes
 * it boots from a list does not tell, so that each of them counts.
 */
function imagesOf(
  { imageId, volumeIds }: Server,
  { imageFacts, volumeImages }: PolicyFacts,
): { readonly known: readonly ImageFacts[]; readonly unknown: string | null } {
  const unread = { unknown: 'images could not be read' };
  const found =
    imageId !== null
      ? [imageFacts.get(imageId) ?? unread]
      : volumeIds.map((id) => volumeImages.get(id) ?? unread);
  return {
    known: found.flatMap((one) => (isUnknown(one) || one.value === null ? [] : [one.value])),
    unknown: found.find(isUnknown)?.unknown ?? null,
  };
}

function all(known: readonly string[]): Values {
  return { known, unknown: null };
}

function none(unknown: string): Values {
  return { known: [], unknown };
}
