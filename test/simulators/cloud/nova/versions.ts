import type { ApiRequest } from '../http.ts';
import type { Knobs } from '../knobs.ts';

/** `GET /`: what the API can speak; asked without a token. */
export function versionList(request: ApiRequest, knobs: Knobs): unknown {
  return {
    versions: [
      {
        id: 'v2.0',
        status: 'SUPPORTED',
        version: '',
        min_version: '',
        updated: '2011-01-21T11:33:21Z',
        links: [{ rel: 'self', href: `${request.origin}/v2/` }],
      },
      {
        id: 'v2.1',
        status: 'CURRENT',
        version: knobs.maxMicroversion,
        min_version: '2.1',
        updated: '2013-07-23T11:33:21Z',
        links: [{ rel: 'self', href: `${request.origin}/v2.1/` }],
      },
    ],
  };
}

/** `GET /v2.1/`. */
export function versionDocument(request: ApiRequest, knobs: Knobs): unknown {
  return {
    version: {
      id: 'v2.1',
      status: 'CURRENT',
      version: knobs.maxMicroversion,
      min_version: '2.1',
      updated: '2013-07-23T11:33:21Z',
      links: [
        { rel: 'self', href: `${request.origin}/v2.1/` },
        { rel: 'describedby', type: 'text/html', href: 'http://docs.openstack.org/' },
      ],
      'media-types': [
        { base: 'application/json', type: 'application/vnd.openstack.compute+json;version=2.1' },
      ],
    },
  };
}
