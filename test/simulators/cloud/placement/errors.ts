import type { ApiRequest } from '../http.ts';
import type { World } from '../world.ts';

/** One request to Placement whose token and microversion are settled. */
export interface PlacementRequest {
  readonly world: World;
  readonly request: ApiRequest;
  /** The minor number: 36 for 1.36. */
  readonly minor: number;
}

/** An answer that is not a success: Placement has a shape of its own for those. */
export class PlacementError extends Error {
  readonly status: number;
  readonly title: string;
  /** What webob says of the status, before the detail. */
  readonly explanation: string;
  readonly detail: string;
  /** From 1.23 on; null where there is none. */
  readonly code: string | null;
  readonly more: Readonly<Record<string, unknown>>;

  constructor(
    status: number,
    title: string,
    explanation: string,
    detail: string,
    code: string | null = 'placement.undefined_code',
    more: Readonly<Record<string, unknown>> = {},
  ) {
    super(detail);
    this.name = 'PlacementError';
    this.status = status;
    this.title = title;
    this.explanation = explanation;
    this.detail = detail;
    this.code = code;
    this.more = more;
  }
}

const badRequest =
  'The server could not comply with the request since it is either malformed or otherwise incorrect.';

export const malformed = (detail: string, code?: string) =>
  new PlacementError(400, 'Bad Request', badRequest, detail, code);

export const unacceptable = (version: string, newest: string) =>
  new PlacementError(
    406,
    'Not Acceptable',
    'The resource could not be generated that was acceptable to your browser (content of type application/json. ',
    `Invalid microversion: Unacceptable version header: ${version}`,
    null,
    { max_version: newest, min_version: '1.0' },
  );

export const noSuchProvider = (id: string) =>
  new PlacementError(
    404,
    'Not Found',
    'The resource could not be found.',
    `Resource provider '${id}' not found: No resource provider with uuid ${id} found`,
  );
