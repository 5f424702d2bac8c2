/** Connections kept in a `clouds.yaml`, as the OpenStack command line reads it. */
import type { CloudSettings } from './cloudSettings.ts';
import {
  type CloudsFile,
  entryOf,
  findEntry,
  firstFile,
  merge,
  placesOf,
  type ReadFile,
  readIfThere,
  shaped,
} from './cloudsFile.ts';
import { Field, isRecord, WrongShape } from './decode.ts';
import { environmentOf } from './deps.ts';
import { parseInterface } from './endpointInterface.ts';
import { NovaError } from './errors.ts';
import type { Environment } from './proxy.ts';
import { keepSecret, tellable } from './secrets.ts';
import type { CloudServiceName, DomainRef, EndpointInterface, ServiceConfig } from './types.ts';

export interface LoadCloudDeps {
  /** OS_CLIENT_CONFIG_FILE, OS_CLIENT_SECURE_FILE, XDG_CONFIG_HOME and HOME are read from here. */
  readonly env?: Environment;
  /** The region that is meant, where an entry's `regions` have values of their own; absent = the entry's first. */
  readonly region?: string;
  readonly readFile?: ReadFile;
}

/**
 * Reads one entry. Places, first found wins: `OS_CLIENT_CONFIG_FILE`, `~/.config/openstack/clouds.yaml`,
 * `/etc/openstack/clouds.yaml` (not the current directory, which is Pacemaker's for an agent); a `secure.yaml`
 * from the like places is laid over it, and the `profile` that it names in a `clouds-public.yaml` under it. Throws
 * `NovaError` with code `config` and one sentence that names what the file has.
 */
export async function loadCloud(name: string, deps: LoadCloudDeps = {}): Promise<CloudSettings> {
  const env = environmentOf(deps);
  const read = deps.readFile ?? readIfThere;
  const places = placesOf('clouds', env['OS_CLIENT_CONFIG_FILE'], env);
  const clouds = await firstFile(places, read);
  if (clouds === null) {
    throw new NovaError(
      'config',
      `There is no clouds.yaml to find cloud ${tellable(name, 80)} in: looked for ${places.join(', ')}`,
    );
  }
  const entry = findEntry(clouds, name);
  const secure = await firstFile(placesOf('secure', env['OS_CLIENT_SECURE_FILE'], env), read);
  const secret = secure === null ? null : entryOf(secure, name);
  const own = merge(entry.value, secret?.value);
  const profile = await readProfile(clouds, own, entry.where, env, read);
  return shaped(clouds.path, () => {
    const whole = new Field(normal(merge(normal(profile), normal(own))), entry.where);
    return readSettings(inRegion(whole, deps.region), clouds.path);
  });
}

/** What the entry builds on. openstackclient has profiles of public clouds built in, which we have not. */
async function readProfile(
  clouds: CloudsFile,
  own: unknown,
  where: string,
  env: Environment,
  read: ReadFile,
): Promise<unknown> {
  const name = shaped(clouds.path, () => {
    const entry = new Field(own, where);
    return text(entry, 'profile') ?? text(entry, 'cloud');
  });
  if (name === undefined) return null;
  const places = placesOf('clouds-public', undefined, env);
  const file = await firstFile(places, read);
  const found = file === null ? null : entryOf(file, name, 'public-clouds');
  if (found !== null) return found.value;
  throw new NovaError(
    'config',
    `In ${clouds.path}, ${where} builds on the profile ${tellable(name, 80)}, which is in none of ${places.join(', ')}; ` +
      'profiles that openstackclient has built in are not known here: write what it says into the entry',
  );
}

/** Keys with hyphens mean the same as with underscores. */
function normal(value: unknown): unknown {
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key.replaceAll('-', '_'),
      key === 'auth' ? normal(member) : member,
    ]),
  );
}

/** The entry for the wanted region, or its first: what stands under `values` there replaces what the entry says. */
function inRegion(entry: Field, wanted: string | undefined): Field {
  const regions = entry.get('regions');
  if (regions.isNothing) return entry;
  const all = regions.list((region) =>
    typeof region.value === 'string'
      ? { name: region.value, values: null }
      : { name: region.get('name').string(), values: region.get('values').value },
  );
  const one = wanted === undefined ? all[0] : all.find(({ name }) => name === wanted);
  if (one === undefined) return entry;
  return new Field(merge(merge(entry.value, normal(one.values)), { region_name: one.name }), entry.where);
}

const authTypes = ['password', 'v3password', 'v3applicationcredential'];

/** Ways to log in that are not ours: an entry that asks for one must not be taken for one that does not. */
const notOurs: Readonly<Record<string, string>> = {
  system_scope:
    'asks for a token of system scope, with which Nova evacuates nothing; name a project instead (project_name)',
  trust_id: 'asks for a log-in by trust, which is not known here',
  passcode: 'asks for a log-in with several factors, which is not known here',
};

function readSettings(entry: Field, path: string): CloudSettings {
  const auth = entry.get('auth').isNothing ? new Field({}, `${entry.where}.auth`) : entry.get('auth');
  keepSecretsOf(auth);
  keepSecretsOf(entry);
  /** Older entries have what belongs to `auth` beside it. */
  const either = (name: string) => text(auth, name) ?? text(entry, name);
  /** These count from beside it even before those in it, as in openstackclient. */
  const scope = (name: string) => text(entry, name) ?? text(auth, name);
  const authType = text(entry, 'auth_type') ?? text(entry, 'auth_plugin') ?? 'password';
  if (!authTypes.includes(authType)) {
    const shown = /^\w{1,40}$/.test(authType) ? `is ${authType}, but only` : 'is not known:';
    throw new NovaError(
      'config',
      `In ${path}, ${entry.where}.auth_type ${shown} ${authTypes.join(', ')} are known here`,
    );
  }
  for (const [name, what] of Object.entries(notOurs)) {
    if (either(name) !== undefined) {
      throw new NovaError('config', `In ${path}, ${auth.where}.${name} ${what}`);
    }
  }
  const useAppCred = authType === 'v3applicationcredential';
  return defined({
    authUrl: either('auth_url'),
    username: either('username'),
    userId: either('user_id'),
    password: useAppCred ? undefined : either('password'),
    userDomain: domain('user', scope),
    projectName: scope('project_name') ?? scope('tenant_name'),
    projectId: scope('project_id') ?? scope('tenant_id'),
    projectDomain: domain('project', scope),
    applicationCredentialId: useAppCred ? either('application_credential_id') : undefined,
    applicationCredentialName: useAppCred ? either('application_credential_name') : undefined,
    applicationCredentialSecret: useAppCred ? either('application_credential_secret') : undefined,
    // Several with commas between them are an old way to write `regions`.
    region: text(entry, 'region_name')?.split(',')[0]?.trim(),
    endpointInterface: readInterface(entry, '', path),
    services: readServices(entry, path),
    verify: verify(entry),
    caFile: text(entry, 'cacert'),
    certFile: text(entry, 'cert'),
    keyFile: text(entry, 'key'),
  });
}

/** Before anything is said about the entry. */
function keepSecretsOf(mapping: Field): void {
  for (const name of mapping.keys()) {
    const { value } = mapping.get(name);
    if (/pass|secret|token/i.test(name) && typeof value === 'string') keepSecret(value);
  }
}

/** An id counts before a name, and one of its own before the shared one, as in keystoneauth. */
function domain(
  prefix: 'user' | 'project',
  scope: (name: string) => string | undefined,
): DomainRef | undefined {
  const id = scope(`${prefix}_domain_id`) ?? scope('domain_id') ?? scope('default_domain_id');
  if (id !== undefined) return { id };
  const name = scope(`${prefix}_domain_name`) ?? scope('domain_name') ?? scope('default_domain_name');
  return name === undefined ? undefined : { name };
}

function readInterface(entry: Field, prefix: string, path: string): EndpointInterface | undefined {
  const named = text(entry, `${prefix}interface`) ?? text(entry, `${prefix}endpoint_type`);
  if (named === undefined) return undefined;
  const found = parseInterface(named);
  if (found !== null) return found;
  throw new NovaError(
    'config',
    `In ${path}, ${entry.where}.${prefix}interface is none of internal, public, admin`,
  );
}

/** The prefixes that the services' own keys have (`image_endpoint_override`), the official ones first. */
const prefixes: Readonly<Record<CloudServiceName, readonly string[]>> = {
  compute: ['compute'],
  image: ['image'],
  'block-storage': ['block_storage', 'block_store', 'volumev3', 'volume'],
  placement: ['placement'],
  identity: ['identity'],
};

function readServices(entry: Field, path: string): CloudSettings['services'] {
  const services: Partial<Record<CloudServiceName, ServiceConfig>> = {};
  for (const name of Object.keys(prefixes) as CloudServiceName[]) {
    const first = <T>(read: (prefix: string) => T | undefined) =>
      prefixes[name].map((prefix) => read(`${prefix}_`)).find((value) => value !== undefined);
    const own = defined({
      endpoint: first(
        (prefix) => text(entry, `${prefix}endpoint_override`) ?? text(entry, `${prefix}endpoint`),
      ),
      endpointInterface: first((prefix) => readInterface(entry, prefix, path)),
      region: first((prefix) => text(entry, `${prefix}region_name`)),
    });
    if (Object.keys(own).length > 0) services[name] = own;
  }
  return Object.keys(services).length === 0 ? undefined : services;
}

function text(field: Field, name: string): string | undefined {
  const member = field.get(name);
  return member.isNothing || member.value === '' ? undefined : member.string();
}

function verify(entry: Field): boolean | undefined {
  if (flag(entry, 'insecure') === true) return false;
  return flag(entry, 'verify');
}

function flag(entry: Field, name: string): boolean | undefined {
  const word = text(entry, name);
  if (word === undefined) return undefined;
  if (/^(true|yes|on|1)$/i.test(word)) return true;
  if (/^(false|no|off|0)$/i.test(word)) return false;
  throw new WrongShape(`${entry.where}.${name}`, word, 'true or false');
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Leaves out what is undefined, so that settings can be laid over each other with a spread. */
function defined<T extends object>(settings: T): Defined<T> {
  return Object.fromEntries(
    Object.entries(settings).filter(([, value]) => value !== undefined),
  ) as Defined<T>;
}
