import type { Flavor } from '@openstack-ts/nova-client';
import type { HostKey } from '../incident/names.ts';
import type { Known } from './known.ts';

/**
 * The word of tags: a property of flavours (extra spec), images, servers and aggregates, `evacuable=true` or `=false`, and a
 * tag of images.
 */
export const evacuableTag = 'evacuable';

export type Word = 'true' | 'false';

/** Whether properties hold the tag with this value. The key is exact; the value is compared without case and blanks. */
export function says(properties: Readonly<Record<string, string>>, word: Word): boolean {
  return properties[evacuableTag]?.trim().toLowerCase() === word;
}

/** What of the cloud decides which instances are evacuated, and in what order; each part with its own fate. */
export interface PolicyFacts {
  readonly flavors: Known<readonly Flavor[]>;
  /** Ids of the images that bear the tag. */
  readonly taggedImages: Known<ReadonlySet<string>>;
  /** Images with the property `evacuable`: what to call them, by id. */
  readonly images: Readonly<Record<Word, Known<ReadonlyMap<string, string>>>>;
  readonly volumes: Known<VolumeFacts>;
  readonly aggregates: Known<readonly AggregateFacts[]>;
  /** Names of projects by id; empty where no rule asks for one. */
  readonly projectNames: Known<ReadonlyMap<string, string>>;
  /** By id, those that rules ask for. */
  readonly imageFacts: ReadonlyMap<string, Known<ImageFacts>>;
  /** By id, those that rules ask for: what the image was that each was made from, null for none. */
  readonly volumeImages: ReadonlyMap<string, Known<ImageFacts | null>>;
}

/** Bootable volumes by the image that they were made from: ids of the volumes, and of the servers they are attached to. */
export interface VolumeFacts {
  readonly true: ReadonlySet<string>;
  readonly false: ReadonlySet<string>;
  readonly ofTaggedImages: ReadonlySet<string>;
}

export interface AggregateFacts {
  readonly name: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** In lower case. */
  readonly hosts: ReadonlySet<HostKey>;
}

export interface ImageFacts {
  /** Id and name, as far as it has them. */
  readonly names: readonly string[];
  readonly properties: Readonly<Record<string, string>>;
}
