/** Volumes and the images they were made from, from Cinder. */
import type { Field } from './decode.ts';
import { NovaError } from './errors.ts';
import { everyPage, nextOfLinks, type Query } from './paging.ts';
import { decode } from './requester.ts';
import type { Session, Where } from './session.ts';
import type { Answer } from './transport.ts';
import type { CallOptions, Volume } from './types.ts';

/** `volumev3` is the name in use, `block-storage` the official one; under `volume` there may be v1, which is of no use. */
const serviceTypes = ['volumev3', 'block-storage', 'volume'];

/** The filter came with 3.4 (Newton); asked with less, Cinder drops it without a word and lists every volume. */
const filterMicroversion = 'volume 3.4';

/** The endpoint of the Block Storage API v3. Throws `NovaError` with code `noEndpoint` in a cloud without one. */
export function findCinder(session: Session, where: Where, options?: CallOptions): Promise<URL> {
  const bounds = session.requester.bounds(options);
  return session.endpoint(serviceTypes, where, bounds, (url) => !/\/v[12](\/|$)/.test(url.pathname));
}

/**
 * Volumes of all projects with this image property. Cinder keeps a copy of an image's properties with each volume
 * that it makes of it, and shows them as `volume_image_metadata`. Whoever is no administrator may not filter by them,
 * and gets every volume of his own instead of an error: so each volume has to show the property itself. Letter case is
 * left to Cinder, whose database compares: those of MySQL do not heed it.
 */
export async function listVolumesByImageProperty(
  session: Session,
  endpoint: URL,
  name: string,
  value: string,
  options?: CallOptions,
): Promise<readonly Volume[]> {
  const purpose = `list the volumes with image property ${name}=${value}`;
  const filter = { all_tenants: '1', glance_metadata: JSON.stringify({ [name]: value }) };
  const headers = { 'openstack-api-version': filterMicroversion };
  const volumes = await everyPage(
    filter,
    async (query) =>
      decode(await ask(session, endpoint, 'detail', query, headers, purpose, options, true), (body) => ({
        items: body.get('volumes').list(readVolume),
        next: nextOfLinks(body.get('volumes_links')),
      })),
    `Cinder sent a malformed answer when asked to ${purpose}`,
  );
  const found = volumes.map((volume) => volume.imageProperties[name]);
  if (found.includes(undefined)) {
    throw new NovaError(
      'forbidden',
      `Cinder lists volumes that do not show the image property ${name} which was asked for: ` +
        'this account may not filter by it or not see it, and has to be an administrator in Cinder',
      { method: 'GET', path: '/volumes/detail' },
    );
  }
  return volumes.filter((_, index) => found[index]?.toLowerCase() === value.toLowerCase());
}

export async function getVolume(
  session: Session,
  endpoint: URL,
  id: string,
  options?: CallOptions,
): Promise<Volume> {
  const answer = await ask(session, endpoint, encodeURIComponent(id), {}, {}, `show volume ${id}`, options);
  return decode(answer, (body) => readVolume(body.get('volume')));
}

function ask(
  session: Session,
  endpoint: URL,
  what: string,
  query: Query,
  headers: Readonly<Record<string, string>>,
  purpose: string,
  options?: CallOptions,
  isSlow = false,
): Promise<Answer> {
  const url = new URL(endpoint);
  // The catalogue has the address with the version and the project, with the version, and with neither.
  const base = endpoint.pathname.replace(/\/+$/, '');
  url.pathname = `${/\/v3(\/|$)/.test(base) ? base : `${base}/v3`}/volumes/${what}`;
  url.search = new URLSearchParams(query).toString();
  return session.send(
    { service: 'Cinder', purpose, method: 'GET', url, headers, changesState: false, repeat: 'safe', isSlow },
    session.requester.bounds(options, isSlow ? 1 : 0),
  );
}

function readVolume(volume: Field): Volume {
  const metadata = volume.get('volume_image_metadata');
  const attachments = volume.get('attachments');
  return {
    id: volume.get('id').string(),
    // Text in every version of the API.
    bootable: volume.get('bootable').stringOrNull()?.toLowerCase() === 'true',
    serverIds: attachments.isNothing
      ? []
      : attachments
          .list((each) => each.get('server_id'))
          .filter((id) => !id.isNothing)
          .map((id) => id.serverId()),
    imageProperties: metadata.isNothing ? {} : metadata.texts(),
  };
}
