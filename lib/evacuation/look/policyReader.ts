import {
  type CallOptions,
  type Image,
  type NovaClient,
  NovaError,
  type Server,
  type Volume,
} from '@openstack-ts/nova-client';
import { rethrowUnless } from '../../rethrow.ts';
import { isUnknown, type Known } from './known.ts';
import {
  evacuableTag,
  type ImageFacts,
  type PolicyFacts,
  says,
  type VolumeFacts,
  type Word,
} from './policyFacts.ts';
import { idsOf, namesById, readAggregate, titles } from './policyLists.ts';
import { turnstile } from './turnstile.ts';

/** What rules ask for that is not read otherwise. */
export interface PolicyQuestions {
  /** A rule names aggregates, so that they are in use. */
  readonly aggregates: boolean;
  readonly projectNames: boolean;
  /** More of images than their ids. */
  readonly images: boolean;
  /** Which images are tagged, and which volumes were made from them. */
  readonly imageTags: boolean;
  /** Anything of images: which one a volume was made from does not show otherwise. */
  readonly volumeImages: boolean;
}

type PolicyClient = Pick<
  NovaClient,
  | 'listFlavors'
  | 'listImagesByTag'
  | 'listImagesByProperty'
  | 'getImage'
  | 'listVolumesByImageProperty'
  | 'getVolume'
  | 'listAggregates'
  | 'listProjects'
>;

/** What the lists give that do not depend on which instances are asked about. */
type Shared = Pick<PolicyFacts, 'flavors' | 'taggedImages' | 'images' | 'aggregates' | 'projectNames'>;

/** Takes a sentence about a part that could not be read. */
type OnError = (what: string, sentence: string) => void;

/** Requests for single images and volumes at the same time. */
const atATime = 8;
/**
 * Glance and Cinder compare a property exactly (unless their database knows no case, as MySQL's does not), so that every
 * spelling which people and their tools use is a request of its own.
 */
const spellings = { true: ['true', 'True', 'TRUE'], false: ['false', 'False', 'FALSE'] } as const;
/** Answers that say that the question is not to be asked here: the same tomorrow, unlike an outage. */
const refusals: ReadonlySet<string> = new Set(['forbidden', 'notFound', 'badRequest']);
/** What is only read for tags of images, unless a rule asks for more. */
const ofTags: ReadonlySet<string> = new Set(['image tags', 'image properties', 'volumes']);
const noVolumes: VolumeFacts = { true: new Set(), false: new Set(), ofTaggedImages: new Set() };

/**
 * Reads, once per pass, what a policy needs to know of the cloud and nothing else: lists in parallel; volumes once an instance
 * boots from one; projects, images and volumes by id only where a rule asks for them. Callers at the same time share requests.
 *
 * What cannot be read is unknown, and an instance that it matters for waits, since it might be excluded. Three sources are
 * exempt where the cloud *refuses* them (403, 404, 400), for they came with this policy, and a plain replacement of the
 * original agents has to go on working with a user who has Nova's rights alone: image properties, aggregates, and the image
 * properties of volumes then count as bearing no tags, and that is said. A refusal is a fact of the installation, which shows at
 * its first evacuation; an outage (no answer, 5xx, 401, TLS) is a trouble of the hour and exempts nothing. And a refusal exempts
 * nothing either where the source is known to be in use:
 *
 * - aggregates: a rule has the condition `aggregate=`;
 * - volumes: any image bears the tag or the property, so that the volumes made from it are meant as well. Instances that boot
 *   from volumes then wait, and it is said which right is missing. Tagged flavours, the original's commonest use, are no
 *   such sign: no volume is made from a flavour.
 *
 * A service that the catalogue does not have has nothing to tell: empty. And where an operator says that no image is tagged
 * (`no_image_tags`), neither Glance nor Cinder is asked for tags.
 */
export class PolicyReader {
  readonly #nova: PolicyClient;
  readonly #options: CallOptions;
  readonly #questions: PolicyQuestions;
  readonly #inTurn = turnstile(atATime);
  readonly #said = new Set<string>();
  #shared: Promise<Shared> | null = null;
  #volumes: Promise<Known<VolumeFacts>> | null = null;
  readonly #images = new Map<string, Promise<Known<ImageFacts>>>();
  readonly #volumeImages = new Map<string, Promise<Known<ImageFacts | null>>>();

  constructor(nova: PolicyClient, questions: PolicyQuestions, options: CallOptions) {
    this.#nova = nova;
    this.#questions = questions;
    this.#options = options;
  }

  /**
   * The facts about these servers. What was asked for before is not asked again, not even what could not be read: the next
   * pass does. `onError` is given a sentence for each part that could not be read, once.
   */
  async factsFor(servers: readonly Server[], onError: OnError): Promise<PolicyFacts> {
    this.#shared ??= this.#readShared(onError);
    const shared = this.#shared;
    const fromVolume = servers.filter(({ imageId }) => imageId === null);
    if (fromVolume.length > 0 && this.#questions.imageTags)
      this.#volumes ??= this.#readVolumes(shared, onError);
    if (this.#questions.images) {
      for (const { imageId: id } of servers) {
        if (id === null || this.#images.has(id)) continue;
        this.#images.set(id, this.#readImage(id, onError));
      }
    }
    if (this.#questions.volumeImages) {
      for (const id of fromVolume.flatMap(({ volumeIds }) => volumeIds)) {
        if (this.#volumeImages.has(id)) continue;
        this.#volumeImages.set(id, this.#readVolumeImage(id, onError));
      }
    }
    const [lists, volumes, imageFacts, volumeImages] = await Promise.all([
      shared,
      this.#volumes ?? { value: noVolumes },
      settled(this.#images),
      settled(this.#volumeImages),
    ]);
    return { ...lists, volumes, imageFacts, volumeImages };
  }

  async #readShared(onError: OnError): Promise<Shared> {
    const nova = this.#nova;
    const list = async <T>(what: string, exempt: boolean, reading: () => Promise<readonly T[]>) =>
      this.#known<readonly T[]>(what, await attempt(reading), { value: [], exempt }, onError);
    const { imageTags, projectNames } = this.#questions;
    const none = { value: [] };
    const [flavors, tagged, yes, no, aggregates, projects] = await Promise.all([
      list('flavours', false, () => nova.listFlavors(this.#options)),
      imageTags ? list('image tags', false, () => nova.listImagesByTag(evacuableTag, this.#options)) : none,
      imageTags ? list('image properties', true, () => this.#imagesSaying('true')) : none,
      imageTags ? list('image properties', true, () => this.#imagesSaying('false')) : none,
      list('aggregates', !this.#questions.aggregates, () => nova.listAggregates(this.#options)),
      projectNames ? list('projects', false, () => nova.listProjects(this.#options)) : none,
    ]);
    return {
      flavors,
      taggedImages: map(tagged, (images) => new Set(images.map(({ id }) => id))),
      images: { true: map(yes, titles), false: map(no, titles) },
      aggregates: map(aggregates, (all) => all.map(readAggregate)),
      projectNames: map(projects, namesById),
    };
  }

  async #readVolumes(shared: Promise<Shared>, onError: OnError): Promise<Known<VolumeFacts>> {
    const reading = await attempt<VolumeFacts>(async () => {
      const [yes, no, { taggedImages }] = await Promise.all([
        this.#volumesSaying('true'),
        this.#volumesSaying('false'),
        shared,
      ]);
      // Cinder copies properties of the image into the volume, but not its tags: those are followed by the image's id.
      const ofTagged = isUnknown(taggedImages) ? [] : await this.#volumesOf(taggedImages.value);
      return { true: idsOf(yes), false: idsOf(no), ofTaggedImages: idsOf(ofTagged) };
    });
    const { taggedImages, images } = await shared;
    const inUse = [taggedImages, images.true, images.false].some(
      (part) => isUnknown(part) || part.value.size > 0,
    );
    return this.#known('volumes', reading, { value: noVolumes, exempt: !inUse }, onError);
  }

  async #imagesSaying(word: Word): Promise<readonly Image[]> {
    const lists = await Promise.all(
      spellings[word].map((value) => this.#nova.listImagesByProperty(evacuableTag, value, this.#options)),
    );
    return lists.flat().filter(({ properties }) => says(properties, word));
  }

  async #volumesSaying(word: Word): Promise<readonly Volume[]> {
    const lists = await Promise.all(
      spellings[word].map((value) =>
        this.#nova.listVolumesByImageProperty(evacuableTag, value, this.#options),
      ),
    );
    // Cinder drops a filter without a word for a user who may not use it (cinder/api/v3/volumes.py).
    return lists.flat().filter(({ imageProperties }) => says(imageProperties, word));
  }

  async #volumesOf(imageIds: Iterable<string>): Promise<readonly Volume[]> {
    const lists = await Promise.all(
      [...imageIds].map((id) =>
        this.#inTurn(async () => {
          const volumes = await this.#nova.listVolumesByImageProperty('image_id', id, this.#options);
          return volumes.filter(({ imageProperties }) => imageProperties['image_id'] === id);
        }),
      ),
    );
    return lists.flat();
  }

  /** An image that is gone has no name and no properties any more, as a rule that it would match is about what is there. */
  async #readImage(id: string, onError: OnError): Promise<Known<ImageFacts>> {
    const reading = await attempt(() => this.#inTurn(() => this.#nova.getImage(id, this.#options)));
    if (isGone(reading)) return { value: { names: [id], properties: {} } };
    return map(this.#known('images', reading, null, onError), ({ name, properties }) => ({
      names: name === null ? [id] : [id, name],
      properties,
    }));
  }

  async #readVolumeImage(id: string, onError: OnError): Promise<Known<ImageFacts | null>> {
    const reading = await attempt(() => this.#inTurn(() => this.#nova.getVolume(id, this.#options)));
    if (isGone(reading)) return { value: null };
    return map(this.#known('volumes', reading, null, onError), ({ bootable, imageProperties }) => {
      // Cinder makes every volume bootable that was made from an image; others are no root disks of it.
      if (!bootable) return null;
      const names = [imageProperties['image_id'], imageProperties['image_name']];
      return { names: names.filter((name) => name !== undefined), properties: imageProperties };
    });
  }

  /** `none` is what counts where the cloud has no such service and, if `exempt`, where it refuses. */
  #known<T>(
    what: string,
    reading: Attempt<T>,
    none: { readonly value: T; readonly exempt: boolean } | null,
    onError: OnError,
  ): Known<T> {
    if ('value' in reading) return reading;
    const { code } = reading.error;
    const message = messageOf(reading.error);
    if (none !== null && code === 'noEndpoint') return { value: none.value };
    if (none?.exempt === true && refusals.has(code)) {
      const sentence = `The ${what} could not be read, so that tags on them do not count; give the agents' user the right to list them if any should: ${message}.`;
      this.#say(what, sentence, onError);
      return { value: none.value };
    }
    this.#say(
      what,
      `The ${what} could not be read, so instances whose selection depends on them wait: ${message}.${ofTags.has(what) ? ' If no image in this cloud is tagged evacuable: no_image_tags=1.' : ''}`,
      onError,
    );
    const right = code === 'forbidden' ? ": the agents' user has no right to list them" : '';
    return { unknown: `${what} could not be read${right}` };
  }

  /** Once for each part: several requests make up one. */
  #say(what: string, sentence: string, onError: OnError): void {
    if (this.#said.has(what)) return;
    this.#said.add(what);
    onError(what, sentence);
  }
}

type Attempt<T> = { readonly value: T } | { readonly error: NovaError };

async function attempt<T>(reading: () => Promise<T>): Promise<Attempt<T>> {
  try {
    return { value: await reading() };
  } catch (error) {
    rethrowUnless(error, NovaError);
    return { error };
  }
}

/** Without the id of the request, which would make the same sentence a new one at every pass. */
function messageOf({ message, requestId }: NovaError): string {
  return requestId === null ? message : message.replace(`, ${requestId}`, '');
}

function isGone(reading: Attempt<unknown>): boolean {
  return 'error' in reading && (reading.error.code === 'notFound' || reading.error.code === 'noEndpoint');
}

function map<From, To>(known: Known<From>, change: (value: From) => To): Known<To> {
  return isUnknown(known) ? known : { value: change(known.value) };
}

async function settled<T>(reading: ReadonlyMap<string, Promise<T>>): Promise<ReadonlyMap<string, T>> {
  return new Map(await Promise.all([...reading].map(async ([id, one]) => [id, await one] as const)));
}
