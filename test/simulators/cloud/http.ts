import { randomUUID } from 'node:crypto';
import { type ApiError, badRequest } from './model.ts';

/** In the order of their ports. */
export const serviceNames = ['keystone', 'nova', 'glance', 'placement', 'cinder'] as const;
/** Which of the simulated services was asked. */
export type ServiceName = (typeof serviceNames)[number];

/** A request as the services see it. */
export interface ApiRequest {
  readonly service: ServiceName;
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
  /** Address the client used, `http://127.0.0.1:4711`: what links in answers begin with. */
  readonly origin: string;
  readonly requestId: string;
}

export interface ApiReply {
  readonly status: number;
  readonly headers: Record<string, string>;
  /** Sent as JSON; absent = nothing. */
  readonly json?: unknown;
  /** Sent as it is. */
  readonly text?: string;
}

export type Handler = (request: ApiRequest) => ApiReply | Promise<ApiReply>;

export const newRequestId = () => `req-${randomUUID()}`;

export type JsonObject = { readonly [key: string]: unknown };

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** How Python shows a JSON value: Nova puts that into its messages. */
export function pythonRepr(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (typeof value === 'string') return `'${value}'`;
  if (Array.isArray(value)) return `[${value.map(pythonRepr).join(', ')}]`;
  if (isObject(value)) {
    return `{${Object.entries(value)
      .map(([key, item]) => `'${key}': ${pythonRepr(item)}`)
      .join(', ')}}`;
  }
  return String(value);
}

/** A schema refusal in Nova's words. `path` is empty for the whole body. */
export function invalidInput(path: string, value: unknown, message: string): ApiError {
  return badRequest(
    path === ''
      ? message
      : `Invalid input for field/attribute ${path}. Value: ${pythonRepr(value)}. ${message}`,
  );
}

/** Refuses members that the schema does not name, as jsonschema words it. */
export function onlyMembers(path: string, value: JsonObject, allowed: readonly string[]): void {
  const strays = Object.keys(value).filter((key) => !allowed.includes(key));
  if (strays.length === 0) return;
  const list = strays
    .sort()
    .map((key) => `'${key}'`)
    .join(', ');
  throw invalidInput(
    path,
    value,
    `Additional properties are not allowed (${list} ${strays.length === 1 ? 'was' : 'were'} unexpected)`,
  );
}

export function requireMembers(path: string, value: JsonObject, required: readonly string[]): void {
  for (const key of required) {
    if (value[key] === undefined) throw invalidInput(path, value, `'${key}' is a required property`);
  }
}
