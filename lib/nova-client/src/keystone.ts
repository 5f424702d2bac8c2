/** Keystone v3: finding it behind `auth_url`, and logging in. */
import { type Catalogue, readCatalogue } from './catalogue.ts';
import { type Field, parseTime } from './decode.ts';
import { NovaError } from './errors.ts';
import { explanation } from './refusal.ts';
import { type Bounds, type Call, decode, type Requester } from './requester.ts';
import { keepSecret } from './secrets.ts';
import { type Answer, header, nameOf, pathOf } from './transport.ts';
import type { Credentials, DomainRef } from './types.ts';

export interface Token {
  readonly value: string;
  /** Ms since the epoch, by our own clock. */
  readonly renewAt: number;
  readonly catalogue: Catalogue;
}

/** Tokens are renewed this long before they end, or at three quarters of a short life. */
const renewalMarginMs = 60_000;

export class Keystone {
  private readonly requester: Requester;
  private readonly given: URL;
  private readonly credentials: Credentials;
  /** Address of the v3 API without a trailing slash, once it is known. */
  private base: URL | null;

  constructor(requester: Requester, authUrl: string, credentials: Credentials) {
    this.requester = requester;
    this.given = parseAuthUrl(authUrl);
    this.credentials = credentials;
    // An address that says /v3 is taken at its word, which saves the discovery; it is made up for on a 404.
    this.base = this.given.pathname.endsWith('/v3') ? this.given : null;
    keepSecret(credentials.kind === 'password' ? credentials.password : credentials.secret);
  }

  /** Where its API v3 is, once a log-in has shown it. */
  get address(): URL {
    return this.base ?? this.given;
  }

  /** Logs in. Throws `NovaError`: `authFailed` for refused credentials, `keystoneV2`, `config` and the usual. */
  async logIn(bounds: Bounds): Promise<Token> {
    const assumed = this.base;
    let answer = await this.requestToken(assumed ?? (await this.discover(bounds)), bounds);
    if (answer.status === 404 && assumed !== null) {
      answer = await this.requestToken(await this.discover(bounds), bounds);
    }
    if (answer.status === 401) throw this.refused(answer);
    if (answer.status === 404) throw this.notKeystone('has no v3 API there');
    return this.readToken(answer);
  }

  private requestToken(base: URL, bounds: Bounds): Promise<Answer> {
    const call: Call = {
      service: 'Keystone',
      purpose: 'log in',
      method: 'POST',
      url: child(base, 'auth/tokens'),
      headers: {},
      body: JSON.stringify(authRequest(this.credentials)),
      // A log-in whose answer was lost leaves a token nobody knows: harmless.
      changesState: false,
      repeat: 'safe',
      accept: [401, 404],
    };
    return this.requester.send(call, bounds);
  }

  /**
   * Version discovery. Keystone answers `GET /` with 300 and a list, or `GET /v3` with 200 and one version.
   * The address that Keystone names is used only if it is on the machine we asked: behind a proxy Keystone
   * often names an address that we must not, or cannot, follow.
   */
  private async discover(bounds: Bounds): Promise<URL> {
    const root = withPath(this.given, this.given.pathname.replace(/\/v(3|2\.0)$/, ''));
    const answer = await this.requester.send(
      {
        service: 'Keystone',
        purpose: 'name its API versions',
        method: 'GET',
        url: child(root, ''),
        headers: {},
        changesState: false,
        repeat: 'safe',
        accept: [300, 401, 403, 404],
      },
      bounds,
    );
    this.base = this.choose(answer, root);
    return this.base;
  }

  private choose(answer: Answer, root: URL): URL {
    const usual = child(root, 'v3');
    // Some installations hide the list of versions; v3 is at its usual place all the same.
    if (answer.status >= 400) return usual;
    const versions = decode(answer, readVersions);
    const v3 = versions.find((version) => /^v3(\.|$)/.test(version.id));
    if (v3 === undefined) {
      if (versions.some((version) => /^v2(\.|$)/.test(version.id))) {
        throw new NovaError(
          'keystoneV2',
          `${nameOf({ service: 'Keystone', url: this.given })} speaks the Identity API v2 only, but v3 is needed`,
          { method: answer.exchange.method, path: pathOf(answer.exchange.url), status: answer.status },
        );
      }
      throw this.notKeystone('names no version of the Identity API');
    }
    const named = v3.href !== null && URL.canParse(v3.href, root.href) ? new URL(v3.href, root) : null;
    if (named === null || named.origin !== root.origin) return usual;
    return withPath(root, named.pathname);
  }

  private readToken(answer: Answer): Token {
    const value = header(answer.headers, 'x-subject-token');
    if (value === null) throw this.notKeystone('answered the log-in without a token');
    keepSecret(value);
    return decode(answer, (body) => {
      const token = body.get('token');
      const expiresAt = lenient(token.get('expires_at'));
      const issuedAt = lenient(token.get('issued_at'));
      return {
        value,
        renewAt: this.renewAt(issuedAt, expiresAt),
        catalogue: readCatalogue(token),
      };
    });
  }

  /** Counted from the token's life rather than its end, so that a clock that differs from Keystone's does no harm. */
  private renewAt(issuedAt: number | null, expiresAt: number | null): number {
    if (expiresAt === null) return Number.POSITIVE_INFINITY;
    const now = this.requester.now();
    const life = expiresAt - (issuedAt ?? now);
    return now + Math.max(life - renewalMarginMs, life * 0.75);
  }

  /**
   * Keystone tells whoever is wrong nothing but that; what it tells in words of its own is what an administrator has to
   * know: the password has expired, the account is locked or disabled (keystone/exception.py, security_compliance).
   */
  private refused(answer: Answer): NovaError {
    const said = this.requester.refusal(answer);
    const own = explanation(answer);
    const reason =
      own === '' || /^The request you have made requires authentication$/i.test(own)
        ? 'wrong secret, unknown name, or no role in the project'
        : own;
    return new NovaError(
      'authFailed',
      `Keystone at ${this.given.origin} refused the log-in of ${describe(this.credentials)}: ${reason} ` +
        `(HTTP 401${answer.requestId === null ? '' : `, ${answer.requestId}`})`,
      {
        status: 401,
        requestId: answer.requestId,
        method: answer.exchange.method,
        path: pathOf(answer.exchange.url),
        cause: new Error(said.message),
      },
    );
  }

  private notKeystone(what: string): NovaError {
    return new NovaError('config', `The address ${this.given.href} is not one of Keystone v3: it ${what}`);
  }
}

/** Without a time that can be read, a token is used until a service refuses it. */
function lenient(time: Field): number | null {
  return typeof time.value === 'string' ? parseTime(time.value) : null;
}

interface Version {
  readonly id: string;
  readonly href: string | null;
}

function readVersions(body: Field): readonly Version[] {
  if (body.has('version')) return [readVersion(body.get('version'))];
  const versions = body.get('versions');
  // Keystone nests the list once more; other services do not.
  return (Array.isArray(versions.value) ? versions : versions.get('values')).list(readVersion);
}

function readVersion(version: Field): Version {
  const links = version.get('links');
  const hrefs = links.isNothing ? [] : links.list((link) => link.get('href').stringOrNull());
  return { id: version.get('id').stringOrNull() ?? '', href: hrefs[0] ?? null };
}

/** The body of `POST /v3/auth/tokens`. Throws `NovaError` with code `config` where something is missing. */
export function authRequest(credentials: Credentials): unknown {
  if (credentials.kind === 'applicationCredential') {
    const { id, name, secret, user } = credentials;
    const named =
      id !== undefined && id !== ''
        ? { id }
        : {
            name,
            user: user?.id ? { id: user.id } : { name: user?.name, domain: domain(user?.domain ?? {}) },
          };
    return {
      auth: {
        identity: { methods: ['application_credential'], application_credential: { ...named, secret } },
      },
    };
  }
  const { username, userId, password, userDomain, project } = credentials;
  const user = userId ? { id: userId } : { name: username, domain: domain(userDomain) };
  return {
    auth: {
      identity: { methods: ['password'], password: { user: { ...user, password } } },
      scope: {
        project: project.id ? { id: project.id } : { name: project.name, domain: domain(project.domain) },
      },
    },
  };
}

function domain(ref: DomainRef): { readonly id: string } | { readonly name: string } {
  return ref.id ? { id: ref.id } : { name: ref.name ?? 'Default' };
}

function describe(credentials: Credentials): string {
  if (credentials.kind === 'applicationCredential') {
    return `application credential ${credentials.id || credentials.name}`;
  }
  const { username, userId, project } = credentials;
  return `user ${username || userId} to project ${project.name || project.id}`;
}

/** The address without a trailing slash. */
export function parseAuthUrl(text: string): URL {
  const trimmed = text.trim();
  if (trimmed === '')
    throw new NovaError('config', 'There is no auth_url: the address of Keystone is missing');
  const url = URL.canParse(trimmed) ? new URL(trimmed) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.hostname === '') {
    // The text is not repeated: whoever confuses the parameters may have put a password here.
    throw new NovaError('config', 'The auth_url is not an address of the form http(s)://host:port/path');
  }
  if (url.username !== '' || url.password !== '') {
    throw new NovaError('config', 'The auth_url must not hold a user name or password');
  }
  url.search = '';
  url.hash = '';
  return withPath(url, url.pathname);
}

function withPath(url: URL, path: string): URL {
  const copy = new URL(url);
  copy.pathname = path.replace(/\/+$/, '');
  return copy;
}

function child(base: URL, path: string): URL {
  const copy = new URL(base);
  copy.pathname = `${base.pathname.replace(/\/+$/, '')}/${path}`;
  return copy;
}
