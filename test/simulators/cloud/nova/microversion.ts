import type { ApiRequest } from '../http.ts';
import type { Knobs } from '../knobs.ts';
import { ApiError, badRequest } from '../model.ts';

export function maxMinor(knobs: Knobs): number {
  return Number(knobs.maxMicroversion.split('.')[1] ?? 1);
}

/** The minor number that a request asks for; 1 when it names none. Refusals are worded as Nova's. */
export function requestedMinor(request: ApiRequest, knobs: Knobs): number {
  const named = /(?:^|,)\s*compute\s+([^,]+)/.exec(request.headers['openstack-api-version'] ?? '')?.[1];
  const wanted = (named ?? request.headers['x-openstack-nova-api-version'])?.trim();
  if (wanted === undefined) return 1;
  if (wanted === 'latest') return maxMinor(knobs);
  const parts = /^([1-9]\d*)\.([1-9]\d*|0)$/.exec(wanted);
  if (parts === null) {
    throw badRequest(
      `API Version String ${wanted} is of invalid format. Must be of format MajorNum.MinorNum.`,
    );
  }
  const minor = Number(parts[2]);
  if (parts[1] !== '2' || minor < 1 || minor > maxMinor(knobs)) {
    throw new UnsupportedVersion(wanted, knobs.maxMicroversion);
  }
  return minor;
}

/** 406: the answer carries the refused version in its headers, not the one that would have served. */
export class UnsupportedVersion extends ApiError {
  readonly version: string;

  constructor(version: string, max: string) {
    super(
      406,
      'computeFault',
      `Version ${version} is not supported by the API. Minimum is 2.1 and maximum is ${max}.`,
    );
    this.version = version;
  }
}
