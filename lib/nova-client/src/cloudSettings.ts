/** The settings of a connection, each on its own: laid over each other, and made into a configuration. */
import { NovaError } from './errors.ts';
import { parseAuthUrl } from './keystone.ts';
import { keepSecret } from './secrets.ts';
import { parseEndpoint } from './session.ts';
import type {
  CloudConfig,
  CloudServiceName,
  Credentials,
  DomainRef,
  EndpointInterface,
  ServiceConfig,
} from './types.ts';

/** None is required, so that settings from several places can be laid over each other before the whole is checked. */
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
  readonly services?: Readonly<Partial<Record<CloudServiceName, ServiceConfig>>>;
  readonly verify?: boolean;
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
}

/**
 * Settings laid over others. What is given above replaces what it stands for, in whatever form that was given below: a
 * name the id, a password the application credential with all that belongs to it, a certificate its key, a region those of
 * single services. Otherwise half of the one and half of the other would log in as nobody meant.
 */
export function overlaid(below: CloudSettings, above: CloudSettings): CloudSettings {
  const dropped = new Set<keyof CloudSettings>(['services']);
  for (const [given, replaced] of replacements) {
    if (above[given] !== undefined) for (const name of replaced) dropped.add(name);
  }
  const kept = Object.fromEntries(
    Object.entries(below).filter(([name]) => !dropped.has(name as keyof CloudSettings)),
  ) as CloudSettings;
  const services = withoutReplaced(below.services ?? {}, above);
  return {
    ...kept,
    ...(Object.keys(services).length === 0 ? {} : { services }),
    ...above,
  };
}

const serviceNames: readonly CloudServiceName[] = [
  'compute',
  'image',
  'block-storage',
  'placement',
  'identity',
];

const applicationCredential = [
  'applicationCredentialId',
  'applicationCredentialName',
  'applicationCredentialSecret',
] as const;
const passwordLogin = ['password', 'projectName', 'projectId', 'projectDomain'] as const;

const replacements: readonly (readonly [keyof CloudSettings, readonly (keyof CloudSettings)[]])[] = [
  ['username', ['userId']],
  ['userId', ['username', 'userDomain']],
  ['password', applicationCredential],
  ['projectName', ['projectId']],
  ['projectId', ['projectName', 'projectDomain']],
  ['applicationCredentialId', ['applicationCredentialName', 'username', 'userId', ...passwordLogin]],
  ['applicationCredentialName', ['applicationCredentialId', ...passwordLogin]],
  ['certFile', ['keyFile']],
];

/** An address of its own is of the old cloud when the cloud is another, and of the old region when that is. */
function withoutReplaced(
  services: NonNullable<CloudSettings['services']>,
  above: CloudSettings,
): NonNullable<CloudSettings['services']> {
  if (above.authUrl !== undefined || above.services !== undefined) return {};
  const entries = Object.entries(services).map(([name, { endpoint, endpointInterface, region }]) => {
    const own: ServiceConfig = {
      ...(endpoint === undefined || above.region !== undefined || above.endpointInterface !== undefined
        ? {}
        : { endpoint }),
      ...(endpointInterface === undefined || above.endpointInterface !== undefined
        ? {}
        : { endpointInterface }),
      ...(region === undefined || above.region !== undefined ? {} : { region }),
    };
    return [name, own] as const;
  });
  return Object.fromEntries(entries.filter(([, own]) => Object.keys(own).length > 0));
}

/** The configuration that the settings make. Throws `NovaError` with code `config` naming what is missing. */
export function cloudConfig(settings: CloudSettings): CloudConfig {
  for (const secret of [settings.password, settings.applicationCredentialSecret]) keepSecret(secret ?? '');
  if (!settings.authUrl) throw incomplete('auth_url, the address of Keystone');
  const { region, services, caFile, certFile, keyFile } = settings;
  if (keyFile && !certFile) throw new NovaError('config', 'A client key is given without its certificate');
  const login = credentials(settings);
  parseAuthUrl(settings.authUrl);
  for (const name of serviceNames) {
    const endpoint = services?.[name]?.endpoint;
    if (endpoint !== undefined) parseEndpoint(name, endpoint);
  }
  return {
    authUrl: settings.authUrl,
    credentials: login,
    ...(region ? { region } : {}),
    // The default of the agents and of the original client library is not the same; internal is the agents'.
    endpointInterface: settings.endpointInterface ?? 'internal',
    ...(services === undefined ? {} : { services }),
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
  if (settings.applicationCredentialSecret)
    throw incomplete('the id or the name of the application credential');
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
