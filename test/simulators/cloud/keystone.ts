import { randomUUID } from 'node:crypto';
import type { Clock } from './clock.ts';
import type { ApiReply, ApiRequest, Handler, JsonObject } from './http.ts';
import { isObject, parseJson } from './http.ts';
import type { Knobs } from './knobs.ts';

export interface User {
  readonly id: string;
  readonly name: string;
  password: string;
  readonly domain: Domain;
}

export interface Domain {
  readonly id: string;
  readonly name: string;
}

export interface Project {
  readonly id: string;
  readonly name: string;
  readonly domain: Domain;
}

export interface ApplicationCredential {
  readonly id: string;
  readonly name: string;
  readonly secret: string;
  readonly user: User;
  readonly project: Project;
}

export interface Endpoint {
  readonly service: string;
  readonly name: string;
  readonly interface: string;
  readonly region: string;
  readonly url: string;
}

export interface Token {
  readonly id: string;
  readonly expiresAt: number;
  readonly user: User;
  readonly project: Project | null;
  readonly roles: readonly string[];
}

const unauthorized = {
  error: {
    code: 401,
    message: 'The request you have made requires authentication.',
    title: 'Unauthorized',
  },
};

/** Users, projects, tokens and the catalogue, as Keystone v3 serves them. */
export class Keystone {
  readonly domains: Domain[] = [{ id: 'default', name: 'Default' }];
  readonly users: User[] = [];
  readonly projects: Project[] = [];
  /** `user id/project id` -> roles. */
  readonly grants = new Map<string, readonly string[]>();
  readonly applicationCredentials: ApplicationCredential[] = [];
  /** Filled once the services have their ports; a test may take entries away or change them. `%(project_id)s` is filled in. */
  catalog: Endpoint[] = [];
  readonly #tokens = new Map<string, Token>();
  readonly #clock: Clock;
  readonly #knobs: Knobs;

  constructor(clock: Clock, knobs: Knobs) {
    this.#clock = clock;
    this.#knobs = knobs;
    this.addUser('admin', 'adminpw', 'admin', ['reader', 'admin', 'member']);
    this.addUser('demo', 'demopw', 'demo', ['member', 'reader']);
  }

  addUser(
    name: string,
    password: string,
    project: string,
    roles: readonly string[],
    domain = 'default',
  ): User {
    const home = this.addDomain(domain);
    const user: User = { id: `user-${name}-${home.id}`, name, password, domain: home };
    this.users.push(user);
    let target = this.projects.find((candidate) => candidate.name === project && candidate.domain === home);
    if (target === undefined) {
      target = { id: home.id === 'default' ? project : `${project}-${home.id}`, name: project, domain: home };
      this.projects.push(target);
    }
    this.grants.set(`${user.id}/${target.id}`, roles);
    return user;
  }

  /** A project by its id, made if there is none. */
  addProject(id: string, options: { readonly name?: string; readonly domain?: string } = {}): Project {
    const known = this.projects.find((project) => project.id === id);
    if (known !== undefined) return known;
    const made = { id, name: options.name ?? id, domain: this.addDomain(options.domain ?? 'default') };
    this.projects.push(made);
    return made;
  }

  addDomain(idOrName: string): Domain {
    const known = this.domains.find((domain) => domain.id === idOrName || domain.name === idOrName);
    if (known !== undefined) return known;
    const made = { id: idOrName.toLowerCase(), name: idOrName };
    this.domains.push(made);
    return made;
  }

  addApplicationCredential(user: User, project: Project, name: string, secret: string, id?: string) {
    const credential = { id: id ?? randomUUID().replaceAll('-', ''), name, secret, user, project };
    this.applicationCredentials.push(credential);
    return credential;
  }

  /** The token behind X-Auth-Token; undefined when there is none, or no longer. */
  validate(id: string | undefined): Token | undefined {
    if (id === undefined) return undefined;
    const token = this.#tokens.get(id);
    if (token === undefined || this.#clock.now() >= token.expiresAt) return undefined;
    return token;
  }

  /** Every token given out so far is worth nothing from now on. */
  revokeAll(): void {
    this.#tokens.clear();
  }

  readonly handler: Handler = (request) => {
    const path = request.path.replace(/\/+$/, '');
    if (path === '') return this.#versions(request);
    if (this.#knobs.keystoneV2Only) {
      if (path === '/v2.0') return reply(request, 200, { version: version2(request) });
      return notFound(request);
    }
    if (path === '/v3' && request.method === 'GET')
      return reply(request, 200, { version: version3(request) });
    if (path === '/v3/auth/tokens' && request.method === 'POST') return this.#authenticate(request);
    const owner = /^\/v3\/users\/([^/]+)\/application_credentials$/.exec(path)?.[1];
    if (owner !== undefined && request.method === 'POST') return this.#createCredential(request, owner);
    if (path === '/v3/projects' && request.method === 'GET') return this.#listProjects(request);
    return notFound(request);
  };

  #versions(request: ApiRequest): ApiReply {
    const values = this.#knobs.keystoneV2Only ? [version2(request)] : [version3(request)];
    const answer = reply(request, this.#knobs.discoveryStatus, { versions: { values } });
    answer.headers['Location'] = `${request.origin}/v3/`;
    return answer;
  }

  #authenticate(request: ApiRequest): ApiReply {
    const body = parseJson(request.body);
    const auth = isObject(body) ? body['auth'] : undefined;
    if (!isObject(auth)) {
      return reply(request, 400, {
        error: {
          code: 400,
          message:
            'Expecting to find auth in request body. The server could not comply with the request since it is either ' +
            'malformed or otherwise incorrect. The client is assumed to be in error.',
          title: 'Bad Request',
        },
      });
    }
    const identity = isObject(auth['identity']) ? auth['identity'] : {};
    const methods = Array.isArray(identity['methods']) ? identity['methods'] : [];
    if (methods.includes('application_credential')) return this.#byCredential(request, identity);
    const user = this.#passwordUser(identity);
    if (user === undefined) return this.#refuse(request);
    const scope = isObject(auth['scope']) ? auth['scope'] : undefined;
    if (scope === undefined) return this.#issue(request, ['password'], user, null, [], null);
    const project = this.#project(scope['project']);
    const roles = project === undefined ? undefined : this.grants.get(`${user.id}/${project.id}`);
    if (project === undefined || roles === undefined) return this.#refuse(request);
    return this.#issue(request, ['password'], user, project, roles, null);
  }

  #passwordUser(identity: JsonObject): User | undefined {
    const method = isObject(identity['password']) ? identity['password'] : {};
    const given = isObject(method['user']) ? method['user'] : {};
    const user = this.#user(given);
    return user !== undefined && user.password === given['password'] ? user : undefined;
  }

  #user(given: JsonObject): User | undefined {
    if (typeof given['id'] === 'string') return this.users.find((user) => user.id === given['id']);
    const domain = this.#domain(given['domain']);
    return this.users.find((user) => user.name === given['name'] && user.domain === domain);
  }

  #project(given: unknown): Project | undefined {
    if (!isObject(given)) return undefined;
    if (typeof given['id'] === 'string') return this.projects.find((project) => project.id === given['id']);
    const domain = this.#domain(given['domain']);
    return this.projects.find((project) => project.name === given['name'] && project.domain === domain);
  }

  #domain(given: unknown): Domain | undefined {
    if (!isObject(given)) return undefined;
    if (typeof given['id'] === 'string') return this.domains.find((domain) => domain.id === given['id']);
    // Keystone compares names without regard to case (its database's collation does).
    const name = typeof given['name'] === 'string' ? given['name'].toLowerCase() : undefined;
    return this.domains.find((domain) => domain.name.toLowerCase() === name);
  }

  #byCredential(request: ApiRequest, identity: JsonObject): ApiReply {
    const given = isObject(identity['application_credential']) ? identity['application_credential'] : {};
    let credential: ApplicationCredential | undefined;
    if (typeof given['id'] === 'string') {
      credential = this.applicationCredentials.find((candidate) => candidate.id === given['id']);
    } else if (isObject(given['user'])) {
      const owner = this.#user(given['user']);
      credential = this.applicationCredentials.find(
        (candidate) => candidate.name === given['name'] && candidate.user === owner,
      );
    }
    if (credential === undefined || credential.secret !== given['secret']) return this.#refuse(request);
    const roles = this.grants.get(`${credential.user.id}/${credential.project.id}`) ?? [];
    return this.#issue(
      request,
      ['application_credential'],
      credential.user,
      credential.project,
      roles,
      credential,
    );
  }

  #issue(
    request: ApiRequest,
    methods: string[],
    user: User,
    project: Project | null,
    roles: readonly string[],
    credential: ApplicationCredential | null,
  ): ApiReply {
    const now = this.#clock.now();
    const id = `gAAAAA${randomUUID().replaceAll('-', '')}${randomUUID().replaceAll('-', '')}`;
    const token: Token = { id, expiresAt: now + this.#knobs.tokenLifetime, user, project, roles };
    this.#tokens.set(id, token);
    const body: Record<string, unknown> = {
      methods,
      user: { domain: user.domain, id: user.id, name: user.name, password_expires_at: null },
      audit_ids: [randomUUID().slice(0, 22)],
      expires_at: `${new Date(token.expiresAt).toISOString().slice(0, 23)}000Z`,
      issued_at: `${new Date(now).toISOString().slice(0, 23)}000Z`,
    };
    if (project !== null) {
      body['project'] = { domain: project.domain, id: project.id, name: project.name };
      body['is_domain'] = false;
      body['roles'] = roles.map((name) => ({ id: `role-${name}`, name }));
      body['catalog'] = this.#catalog(project);
    }
    if (credential !== null) {
      body['application_credential'] = { id: credential.id, name: credential.name, restricted: true };
    }
    const answer = reply(request, 201, { token: body });
    answer.headers['X-Subject-Token'] = id;
    return answer;
  }

  #catalog(project: Project): unknown[] {
    const services = new Map<string, { name: string; type: string; id: string; endpoints: unknown[] }>();
    for (const endpoint of this.catalog) {
      const key = `${endpoint.service}/${endpoint.name}`;
      let service = services.get(key);
      if (service === undefined) {
        service = { endpoints: [], id: `service-${key}`, type: endpoint.service, name: endpoint.name };
        services.set(key, service);
      }
      service.endpoints.push({
        id: `endpoint-${key}-${endpoint.interface}-${endpoint.region}`,
        interface: endpoint.interface,
        region_id: endpoint.region,
        url: endpoint.url.replace('%(project_id)s', project.id),
        region: endpoint.region,
      });
    }
    return [...services.values()];
  }

  #createCredential(request: ApiRequest, owner: string): ApiReply {
    const token = this.validate(request.headers['x-auth-token']);
    const body = parseJson(request.body);
    const wish = isObject(body) ? body['application_credential'] : undefined;
    if (token?.project == null || token.user.id !== owner) return this.#refuse(request);
    if (!isObject(wish) || typeof wish['name'] !== 'string' || typeof wish['secret'] !== 'string') {
      return reply(request, 400, {
        error: { code: 400, message: 'Bad application credential.', title: 'Bad Request' },
      });
    }
    const made = this.addApplicationCredential(token.user, token.project, wish['name'], wish['secret']);
    return reply(request, 201, {
      application_credential: {
        id: made.id,
        name: made.name,
        description: null,
        user_id: made.user.id,
        project_id: made.project.id,
        system: null,
        expires_at: null,
        unrestricted: null,
        roles: token.roles.map((name) => ({
          id: `role-${name}`,
          name,
          domain_id: null,
          description: null,
          options: { immutable: true },
        })),
        secret: made.secret,
        links: { self: `${request.origin}/v3/application_credentials/${made.id}` },
      },
    });
  }

  /** For administrators; all of them in one page, as Keystone has it. */
  #listProjects(request: ApiRequest): ApiReply {
    const token = this.validate(request.headers['x-auth-token']);
    if (token === undefined) return this.#refuse(request);
    if (!token.roles.includes('admin')) {
      return reply(request, 403, {
        error: {
          code: 403,
          message: 'You are not authorized to perform the requested action: identity:list_projects.',
          title: 'Forbidden',
        },
      });
    }
    const { query } = request;
    const name = query.get('name');
    const domain = query.get('domain_id');
    const found = this.projects.filter(
      (project) =>
        (name === null || project.name === name) && (domain === null || project.domain.id === domain),
    );
    return reply(request, 200, {
      projects: found.map((project) => ({
        id: project.id,
        name: project.name,
        domain_id: project.domain.id,
        description: '',
        enabled: true,
        parent_id: project.domain.id,
        is_domain: false,
        tags: [],
        options: {},
        links: { self: `${request.origin}/v3/projects/${project.id}` },
      })),
      links: { next: null, self: `${request.origin}/v3/projects`, previous: null },
    });
  }

  #refuse(request: ApiRequest): ApiReply {
    const answer = reply(request, 401, unauthorized);
    answer.headers['WWW-Authenticate'] = `Keystone uri="${request.origin}/v3"`;
    return answer;
  }
}

function reply(request: ApiRequest, status: number, json: unknown): ApiReply {
  return {
    status,
    headers: {
      'Content-Type': 'application/json',
      Vary: 'X-Auth-Token',
      'x-openstack-request-id': request.requestId,
    },
    json,
  };
}

function notFound(request: ApiRequest): ApiReply {
  return reply(request, 404, {
    error: { code: 404, message: 'The resource could not be found.', title: 'Not Found' },
  });
}

function version3(request: ApiRequest): unknown {
  return {
    id: 'v3.14',
    status: 'stable',
    updated: '2020-04-07T00:00:00Z',
    links: [{ rel: 'self', href: `${request.origin}/v3/` }],
    'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v3+json' }],
  };
}

function version2(request: ApiRequest): unknown {
  return {
    id: 'v2.0',
    status: 'deprecated',
    updated: '2016-08-04T00:00:00Z',
    links: [{ rel: 'self', href: `${request.origin}/v2.0/` }],
    'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v2.0+json' }],
  };
}
