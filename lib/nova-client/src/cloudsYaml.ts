/** Connections kept in a `clouds.yaml`, as the OpenStack command line reads it. */
import { Field, WrongShape } from './decode.ts';
import { environmentOf } from './deps.ts';
import { parseInterface } from './endpointInterface.ts';
import { NovaError } from './errors.ts';
import type { Environment } from './proxy.ts';
import type { CloudConfig, Credentials, DomainRef, EndpointInterface } from './types.ts';

/**
 * The settings of a connection, each on its own and none required, so that settings from several places can be
 * laid over each other before {@link cloudConfig} checks the whole.
 */
export interface CloudSettings {
  readonly authUrl?: string;
  readonly username?: string;
  readonly userId?: string;
  readonly password?: string;
  readonly userDomain?: DomainRef;
  readonly projectName?: string;
  readonly projectId?: string;
  readonly projectDomain?: DomainRef;
  readonly applicationCredentialId?: string;
  readonly applicationCredentialName?: string;
  readonly applicationCredentialSecret?: string;
  readonly region?: string;
  readonly endpointInterface?: EndpointInterface;
  readonly verify?: boolean;
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
}

export interface LoadCloudDeps {
  /** OS_CLIENT_CONFIG_FILE, OS_CLIENT_SECURE_FILE, XDG_CONFIG_HOME and HOME are read from here. */
  readonly env?: Environment;
  /** The text of a file, or null where there is none. */
  readonly readFile?: (path: string) => Promise<string | null>;
}

/**
 * Reads one entry. Places, first found wins: `OS_CLIENT_CONFIG_FILE`, `~/.config/openstack/clouds.yaml`,
 * `/etc/openstack/clouds.yaml` (not the current directory, which is Pacemaker's for an agent); a `secure.yaml`
 * from the like places is laid over it. Throws `NovaError` with code `config` and one sentence that names what
 * the file has.
 */
export async function loadCloud(name: string, deps: LoadCloudDeps = {}): Promise<CloudSettings> {
  const env = environmentOf(deps);
  const read = deps.readFile ?? readIfThere;
  const places = placesOf('clouds', env['OS_CLIENT_CONFIG_FILE'], env);
  const clouds = await firstFile(places, read);
  if (clouds === null) {
    throw new NovaError(
      'config',
      `There is no clouds.yaml to find cloud ${name} in: looked for ${places.join(', ')}`,
    );
  }
  const entry = findEntry(clouds, name);
  const secure = await firstFile(placesOf('secure', env['OS_CLIENT_SECURE_FILE'], env), read);
  const secret = secure === null ? null : entryOf(secure, name);
  return shaped(clouds.path, () =>
    readSettings(new Field(merge(entry.value, secret?.value), `clouds.${name}`), clouds.path),
  );
}

/** The configuration that the settings make. Throws `NovaError` with code `config` naming what is missing. */
export function cloudConfig(settings: CloudSettings): CloudConfig {
  if (!settings.authUrl) throw incomplete('auth_url, the address of Keystone');
  const { region, caFile, certFile, keyFile } = settings;
  if (keyFile && !certFile) throw new NovaError('config', 'A client key is given without its certificate');
  return {
    authUrl: settings.authUrl,
    credentials: credentials(settings),
    ...(region ? { region } : {}),
    // The default of the agents and of the original client library is not the same; internal is the agents'.
    endpointInterface: settings.endpointInterface ?? 'internal',
    tls: {
      verify: settings.verify ?? true,
      ...(caFile ? { caFile } : {}),
      ...(certFile ? { certFile } : {}),
      ...(keyFile ? { keyFile } : {}),
    },
  };
}

function credentials(settings: CloudSettings): Credentials {
  const { applicationCredentialId: id, applicationCredentialName: name } = settings;
  const userDomain = settings.userDomain ?? { name: 'Default' };
  if (id || name) {
    const secret = settings.applicationCredentialSecret;
    if (!secret) throw incomplete('application_credential_secret');
    if (id) return { kind: 'applicationCredential', id, secret };
    const { username, userId } = settings;
    if (!username && !userId)
      throw incomplete('username, to whom the application credential of that name belongs');
    const user = userId ? { id: userId } : { name: username ?? '', domain: userDomain };
    return { kind: 'applicationCredential', name: name ?? '', user, secret };
  }
  const { username = '', userId, password, projectName, projectId } = settings;
  if (!username && !userId) throw incomplete('username');
  if (!password) throw incomplete('password');
  if (!projectName && !projectId) throw incomplete('tenant_name (project_name), the project to log in to');
  return {
    kind: 'password',
    username,
    ...(userId ? { userId } : {}),
    password,
    userDomain,
    project: {
      ...(projectId ? { id: projectId } : { name: projectName ?? '' }),
      domain: settings.projectDomain ?? { name: 'Default' },
    },
  };
}

function incomplete(what: string): NovaError {
  return new NovaError('config', `The connection to the cloud lacks ${what}`);
}

interface File {
  readonly path: string;
  readonly content: Field;
}

function placesOf(kind: string, explicit: string | undefined, env: Environment): readonly string[] {
  if (explicit) return [explicit];
  const home = env['XDG_CONFIG_HOME'] || (env['HOME'] ? `${env['HOME']}/.config` : null);
  return [...(home === null ? [] : [`${home}/openstack`]), '/etc/openstack'].flatMap((directory) => [
    `${directory}/${kind}.yaml`,
    `${directory}/${kind}.yml`,
  ]);
}

async function firstFile(
  paths: readonly string[],
  read: (path: string) => Promise<string | null>,
): Promise<File | null> {
  for (const path of paths) {
    const text = await read(path);
    if (text !== null) return { path, content: new Field(await parseYaml(path, text)) };
  }
  return null;
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await process.getBuiltinModule('node:fs/promises').readFile(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    const reason = code === 'EACCES' ? 'permission denied' : String(code);
    throw new NovaError('config', `${path} cannot be read: ${reason}`);
  }
}

async function parseYaml(path: string, text: string): Promise<unknown> {
  // A parser that only those pay for who keep their connections in a file.
  const { parseDocument } = await import('yaml');
  const document = parseDocument(text, { prettyErrors: false });
  const first = document.errors[0];
  if (first === undefined) return document.toJS({ maxAliasCount: 100 });
  const line = text.slice(0, first.pos[0]).split('\n').length;
  // The parser's own message quotes the text, which may hold a password.
  throw new NovaError('config', `${path} is not YAML: line ${line} (${first.code})`);
}

function findEntry(file: File, name: string): Field {
  const found = entryOf(file, name);
  if (found !== null) return found;
  const names = shaped(file.path, () => (file.content.isNothing ? [] : cloudsOf(file.content).keys()));
  const has = names.length === 0 ? 'it has no entry under clouds' : `it has ${[...names].sort().join(', ')}`;
  throw new NovaError('config', `${file.path} has no cloud ${name}: ${has}`);
}

function entryOf(file: File, name: string): Field | null {
  return shaped(file.path, () => {
    if (file.content.isNothing) return null;
    const clouds = cloudsOf(file.content);
    return clouds.has(name) ? clouds.get(name) : null;
  });
}

function cloudsOf(content: Field): Field {
  const clouds = content.get('clouds');
  return clouds.isNothing ? new Field({}, 'clouds') : clouds;
}

function shaped<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof WrongShape) throw new NovaError('config', `In ${path}, ${error.message}`);
    throw error;
  }
}

function merge(below: unknown, above: unknown): unknown {
  if (above === undefined || above === null) return below;
  if (!isRecord(below) || !isRecord(above)) return above;
  const merged: Record<string, unknown> = { ...below };
  for (const [key, value] of Object.entries(above)) merged[key] = merge(merged[key], value);
  return merged;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const authTypes = ['password', 'v3password', 'v3applicationcredential'];

function readSettings(entry: Field, path: string): CloudSettings {
  const auth = entry.get('auth').isNothing ? new Field({}, `${entry.where}.auth`) : entry.get('auth');
  const authType = text(entry, 'auth_type') ?? 'password';
  if (!authTypes.includes(authType)) {
    throw new NovaError(
      'config',
      `In ${path}, ${entry.where}.auth_type is ${authType}, but only ${authTypes.join(', ')} are known here`,
    );
  }
  const domain = (prefix: string): DomainRef | undefined => {
    const id =
      text(auth, `${prefix}_domain_id`) ?? text(auth, 'domain_id') ?? text(auth, 'default_domain_id');
    const name =
      text(auth, `${prefix}_domain_name`) ?? text(auth, 'domain_name') ?? text(auth, 'default_domain_name');
    const own = text(auth, `${prefix}_domain_name`);
    if (own !== undefined) return { name: own };
    if (id !== undefined) return { id };
    return name === undefined ? undefined : { name };
  };
  const named = text(entry, 'interface') ?? text(entry, 'endpoint_type');
  const endpointInterface = named === undefined ? undefined : parseInterface(named);
  if (endpointInterface === null) {
    throw new NovaError('config', `In ${path}, ${entry.where}.interface is none of internal, public, admin`);
  }
  const useAppCred = authType === 'v3applicationcredential';
  return defined({
    authUrl: text(auth, 'auth_url'),
    username: text(auth, 'username'),
    userId: text(auth, 'user_id'),
    password: text(auth, 'password'),
    userDomain: domain('user'),
    projectName: text(auth, 'project_name') ?? text(auth, 'tenant_name'),
    projectId: text(auth, 'project_id') ?? text(auth, 'tenant_id'),
    projectDomain: domain('project'),
    applicationCredentialId: useAppCred ? text(auth, 'application_credential_id') : undefined,
    applicationCredentialName: useAppCred ? text(auth, 'application_credential_name') : undefined,
    applicationCredentialSecret: useAppCred ? text(auth, 'application_credential_secret') : undefined,
    region: text(entry, 'region_name') ?? firstRegion(entry),
    endpointInterface,
    verify: verify(entry),
    caFile: text(entry, 'cacert'),
    certFile: text(entry, 'cert'),
    keyFile: text(entry, 'key'),
  });
}

/** YAML makes a number of a password or a name that looks like one; it is meant as text. */
function text(field: Field, name: string): string | undefined {
  const member = field.get(name);
  if (member.isNothing || member.value === '') return undefined;
  return typeof member.value === 'number' ? String(member.value) : member.string();
}

function firstRegion(entry: Field): string | undefined {
  const regions = entry.get('regions');
  if (regions.isNothing) return undefined;
  return regions.list((region) =>
    typeof region.value === 'string' ? region.value : region.get('name').string(),
  )[0];
}

function verify(entry: Field): boolean | undefined {
  if (flag(entry, 'insecure') === true) return false;
  return flag(entry, 'verify');
}

function flag(entry: Field, name: string): boolean | undefined {
  const member = entry.get(name);
  if (member.isNothing) return undefined;
  if (typeof member.value !== 'string') return member.boolean();
  if (/^(true|yes|on|1)$/i.test(member.value)) return true;
  if (/^(false|no|off|0)$/i.test(member.value)) return false;
  throw new WrongShape(member.where, member.value, 'true or false');
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Leaves out what is undefined, so that settings can be laid over each other with a spread. */
function defined<T extends object>(settings: T): Defined<T> {
  return Object.fromEntries(
    Object.entries(settings).filter(([, value]) => value !== undefined),
  ) as Defined<T>;
}
