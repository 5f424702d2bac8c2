import { pick } from '../simulators/json.ts';

/** One answer as it came over the wire. */
export interface WireAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Undefined when the body is no JSON. */
  readonly json: unknown;
}

/** Plain HTTP, and nothing between the suite and the cloud that could hide what the cloud says. */
export async function request(
  method: string,
  url: string,
  options: { headers?: Record<string, string>; body?: unknown } = {},
): Promise<WireAnswer> {
  const response = await fetch(url, {
    method,
    redirect: 'manual',
    headers: { 'Content-Type': 'application/json', ...options.headers },
    ...(options.body === undefined
      ? {}
      : { body: typeof options.body === 'string' ? options.body : JSON.stringify(options.body) }),
  });
  const text = await response.text();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  return { status: response.status, headers: response.headers, text, json };
}

export interface Account {
  readonly username: string;
  readonly password: string;
  readonly project: string;
}

/** The body of a log-in by password, names and domains by name. */
export function passwordBody(account: Account, scoped = true): unknown {
  return {
    auth: {
      identity: {
        methods: ['password'],
        password: {
          user: { name: account.username, domain: { name: 'Default' }, password: account.password },
        },
      },
      ...(scoped ? { scope: { project: { name: account.project, domain: { id: 'default' } } } } : {}),
    },
  };
}

/** A logged-in user of one cloud. */
export class Wire {
  readonly token: string;
  readonly userId: string;
  /** `http://…/v2.1` */
  readonly nova: string;
  readonly glance: string;
  /** Without a path. */
  readonly placement: string;

  private constructor(token: string, body: unknown, region: string) {
    this.token = token;
    this.userId = String(pick(body, 'token', 'user', 'id'));
    this.nova = endpoint(body, 'compute', region);
    this.glance = endpoint(body, 'image', region);
    this.placement = endpoint(body, 'placement', region);
  }

  static async login(authUrl: string, account: Account, region: string): Promise<Wire> {
    const answer = await request('POST', `${authUrl}/auth/tokens`, { body: passwordBody(account) });
    const token = answer.headers.get('x-subject-token');
    if (answer.status !== 201 || token === null)
      throw new Error(`No log-in: ${answer.status} ${answer.text}`);
    return new Wire(token, answer.json, region);
  }

  async call(method: string, path: string, version = '2.87', body?: unknown): Promise<WireAnswer> {
    return request(method, path.startsWith('http') ? path : `${this.nova}${path}`, {
      headers: {
        'X-Auth-Token': this.token,
        'OpenStack-API-Version': `compute ${version}`,
        'X-OpenStack-Nova-API-Version': version,
      },
      ...(body === undefined ? {} : { body }),
    });
  }

  get(path: string, version?: string): Promise<WireAnswer> {
    return this.call('GET', path, version);
  }

  /** Placement; `version` is its own: `1.36`. */
  place(path: string, version = '1.36'): Promise<WireAnswer> {
    return request('GET', `${this.placement}${path}`, {
      headers: { 'X-Auth-Token': this.token, 'OpenStack-API-Version': `placement ${version}` },
    });
  }

  action(server: string, body: unknown, version?: string): Promise<WireAnswer> {
    return this.call('POST', `/servers/${server}/action`, version, body);
  }
}

function endpoint(body: unknown, type: string, region: string): string {
  const catalog = pick(body, 'token', 'catalog');
  for (const service of Array.isArray(catalog) ? catalog : []) {
    if (pick(service, 'type') !== type) continue;
    const endpoints = pick(service, 'endpoints');
    for (const candidate of Array.isArray(endpoints) ? endpoints : []) {
      if (pick(candidate, 'interface') !== 'internal' || pick(candidate, 'region') !== region) continue;
      return String(pick(candidate, 'url')).replace(/\/$/, '');
    }
  }
  throw new Error(`The catalogue has no internal endpoint of type ${type} in ${region}.`);
}
