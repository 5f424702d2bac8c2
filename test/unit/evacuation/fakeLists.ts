import {
  type Aggregate,
  type Flavor,
  type Image,
  NovaError,
  type NovaErrorCode,
  novaHost,
  type Project,
  type Server,
  serverId,
  type Volume,
} from '@openstack-ts/nova-client';
import { named, type Plain } from '../names.ts';

/** What a cloud holds, as far as the policy looks at it. */
export interface Lists {
  readonly flavors: readonly Flavor[];
  readonly images: readonly Image[];
  readonly volumes: readonly Volume[];
  readonly aggregates: readonly Aggregate[];
  readonly projects: readonly Project[];
}

const emptyLists: Lists = { flavors: [], images: [], volumes: [], aggregates: [], projects: [] };

/** A cloud's lists in memory; every filter is exact, as those of Glance and Cinder are. */
export class FakeLists {
  readonly asked: string[] = [];
  /** How many requests were under way at most. */
  atOnceMax = 0;
  #atOnce = 0;
  readonly #lists: Lists;
  readonly #fails: Readonly<Record<string, NovaErrorCode>>;

  /** `fails`: methods that end in an error, by its code. */
  constructor(lists: Partial<Lists> = {}, fails: Readonly<Record<string, NovaErrorCode>> = {}) {
    this.#lists = { ...emptyLists, ...lists };
    this.#fails = fails;
  }

  listFlavors = () => this.#answer('listFlavors', '', this.#lists.flavors);
  listAggregates = () => this.#answer('listAggregates', '', this.#lists.aggregates);
  listProjects = () => this.#answer('listProjects', '', this.#lists.projects);

  listImagesByTag = (tag: string) =>
    this.#answer(
      'listImagesByTag',
      tag,
      this.#lists.images.filter(({ tags }) => tags.includes(tag)),
    );

  listImagesByProperty = (name: string, value: string) =>
    this.#answer(
      'listImagesByProperty',
      `${name}=${value}`,
      this.#lists.images.filter(({ properties }) => properties[name] === value),
    );

  listVolumesByImageProperty = (name: string, value: string) =>
    this.#answer(
      'listVolumesByImageProperty',
      `${name}=${value}`,
      this.#lists.volumes.filter(({ imageProperties }) => imageProperties[name] === value),
    );

  getImage = (id: string) => this.#one('getImage', id, this.#lists.images);
  getVolume = (id: string) => this.#one('getVolume', id, this.#lists.volumes);

  async #one<T extends { readonly id: string }>(method: string, id: string, all: readonly T[]): Promise<T> {
    const found = await this.#answer(
      method,
      id,
      all.find((one) => one.id === id),
    );
    if (found === undefined) throw new NovaError('notFound', `there is no ${id}`, { status: 404 });
    return found;
  }

  async #answer<T>(method: string, about: string, value: T): Promise<T> {
    this.asked.push(about === '' ? method : `${method} ${about}`);
    this.#atOnce += 1;
    this.atOnceMax = Math.max(this.atOnceMax, this.#atOnce);
    await new Promise((resolve) => setImmediate(resolve));
    this.#atOnce -= 1;
    const code = this.#fails[method];
    if (code !== undefined) throw new NovaError(code, `${method} ends in ${code}`);
    return value;
  }
}

export function aServer(changes: Plain<Partial<Server>> = {}): Server {
  const { id = 'i', name = `name-of-${id}` } = changes;
  return named<Server>({
    id,
    name,
    host: 'comp0',
    status: 'ACTIVE',
    vmState: 'active',
    taskState: null,
    powerState: 1,
    projectId: 'p1',
    imageId: 'plain',
    flavor: { id: null, name: 'small', extraSpecs: {}, size: null },
    availabilityZone: 'nova',
    volumeIds: [],
    serverGroupIds: [],
    metadata: {},
    locked: false,
    fault: null,
    updatedAt: null,
    ...changes,
  });
}

export function aFlavor(name: string, extraSpecs: Record<string, string> = {}): Flavor {
  return { id: `id-of-${name}`, name, extraSpecs };
}

export function anImage(id: string, changes: Partial<Image> = {}): Image {
  return { id, name: null, tags: [], properties: {}, ...changes };
}

/** Made from an image with these properties; empty: from none. */
export function aVolume(
  id: string,
  server: string,
  imageProperties: Record<string, string> = {},
  changes: Partial<Volume> = {},
): Volume {
  return {
    id,
    bootable: Object.keys(imageProperties).length > 0,
    serverIds: [serverId(server)],
    imageProperties,
    ...changes,
  };
}

export function anAggregate(
  name: string,
  hosts: readonly string[],
  metadata: Record<string, string> = {},
): Aggregate {
  return { id: name, name, availabilityZone: null, hosts: hosts.map(novaHost), metadata };
}
