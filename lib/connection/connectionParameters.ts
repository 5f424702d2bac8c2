/**
 * The parameters that lead to an OpenStack cloud, declared once for all agents. Names and defaults are the
 * original agents'; what differs between the resource agents and the fence agent (spellings, defaults) stands
 * beside each other here, so that nobody has to keep two lists in step.
 */
export interface ConnectionParameter {
  /** Name of the resource agents' parameter (`OCF_RESKEY_…`), and the identity of the parameter. */
  readonly name: ConnectionParameterName;
  readonly type: 'string' | 'boolean';
  readonly shortdesc: string;
  readonly longdesc: string;
  /** Never shown anywhere. */
  readonly secret?: true;
  /** The resource agents' default; absent = none. */
  readonly ocfDefault?: string;
  /** Spellings of the fence agent: the internal key, the long and short option, further names on stdin. */
  readonly fencing: {
    readonly key: string;
    readonly long: string;
    readonly short?: string;
    readonly aliases?: readonly string[];
    readonly default?: string;
  };
}

export type ConnectionParameterName =
  | 'auth_url'
  | 'username'
  | 'password'
  | 'tenant_name'
  | 'user_domain'
  | 'project_domain'
  | 'domain'
  | 'endpoint_type'
  | 'region_name'
  | 'insecure'
  | 'cacert'
  | 'cert'
  | 'key'
  | 'application_credential_id'
  | 'application_credential_name'
  | 'application_credential_secret'
  | 'cloud'
  | 'no_shared_storage';

/** What the operator gave, by parameter, without defaults; absent or empty = not given. Booleans are parsed already. */
export interface ConnectionValues {
  readonly strings: Readonly<Partial<Record<ConnectionParameterName, string>>>;
  /** Null: not given. */
  readonly insecure: boolean | null;
}

export const connectionParameters: readonly ConnectionParameter[] = [
  {
    name: 'auth_url',
    type: 'string',
    shortdesc: 'Authorization URL',
    longdesc: 'Address of Keystone, with or without /v3 and with or without a trailing slash.',
    fencing: { key: 'auth_url', long: 'auth-url', short: 'k', default: '' },
  },
  {
    name: 'username',
    type: 'string',
    shortdesc: 'Username',
    longdesc:
      'Name of a user who may read and change compute services and evacuate the instances of all projects.',
    fencing: { key: 'login', long: 'username', short: 'l' },
  },
  {
    name: 'password',
    type: 'string',
    secret: true,
    shortdesc: 'Password',
    longdesc: "The user's password.",
    fencing: { key: 'passwd', long: 'password', short: 'p' },
  },
  {
    name: 'tenant_name',
    type: 'string',
    shortdesc: 'Project name',
    longdesc: 'Name of the project the user logs in to (formerly called tenant).',
    fencing: { key: 'tenant_name', long: 'tenant-name', short: 't', default: '' },
  },
  {
    name: 'user_domain',
    type: 'string',
    shortdesc: 'Keystone domain of the user',
    longdesc: 'Name or id of the Keystone domain that the user belongs to.',
    ocfDefault: 'Default',
    fencing: { key: 'user-domain', long: 'user-domain', short: 'u', default: 'Default' },
  },
  {
    name: 'project_domain',
    type: 'string',
    shortdesc: 'Keystone domain of the project',
    longdesc: 'Name or id of the Keystone domain that the project belongs to.',
    ocfDefault: 'Default',
    fencing: { key: 'project-domain', long: 'project-domain', short: 'P', default: 'Default' },
  },
  {
    name: 'domain',
    type: 'string',
    shortdesc: 'DNS domain of the compute hosts',
    longdesc:
      'DNS domain in which the compute hosts live; needed only where short names alone are ambiguous.',
    fencing: { key: 'domain', long: 'domain', short: 'd' },
  },
  {
    name: 'endpoint_type',
    type: 'string',
    shortdesc: 'Kind of endpoint',
    longdesc: 'Which endpoints of the catalogue to use: internalURL, publicURL or adminURL.',
    ocfDefault: 'internalURL',
    fencing: { key: 'endpoint_type', long: 'endpoint-type', short: 'e', default: 'internalURL' },
  },
  {
    name: 'region_name',
    type: 'string',
    shortdesc: 'Region',
    longdesc: 'Region whose endpoints to use; empty means any.',
    fencing: { key: 'region_name', long: 'region-name', default: '' },
  },
  {
    name: 'insecure',
    type: 'boolean',
    shortdesc: 'Do not verify TLS certificates',
    longdesc: 'Accept any TLS certificate, for every request. Use cacert instead wherever possible.',
    ocfDefault: '0',
    fencing: { key: 'insecure', long: 'insecure' },
  },
  {
    name: 'cacert',
    type: 'string',
    shortdesc: 'CA certificate file',
    longdesc: "PEM file of certificate authorities to trust instead of the operating system's.",
    fencing: { key: 'cacert', long: 'cacert' },
  },
  {
    name: 'cert',
    type: 'string',
    shortdesc: 'Client certificate file',
    longdesc: 'PEM file of a client certificate to present to the cloud.',
    fencing: { key: 'cert', long: 'cert' },
  },
  {
    name: 'key',
    type: 'string',
    shortdesc: 'Client key file',
    longdesc: "PEM file of the client certificate's key, where it is not in the certificate's file.",
    fencing: { key: 'key', long: 'key' },
  },
  {
    name: 'application_credential_id',
    type: 'string',
    shortdesc: 'Application credential id',
    longdesc: 'Log in with an application credential instead of a user name and password: its id.',
    fencing: { key: 'application_credential_id', long: 'application-credential-id' },
  },
  {
    name: 'application_credential_name',
    type: 'string',
    shortdesc: 'Application credential name',
    longdesc:
      'Log in with an application credential: its name, together with username and user_domain of its owner.',
    fencing: { key: 'application_credential_name', long: 'application-credential-name' },
  },
  {
    name: 'application_credential_secret',
    type: 'string',
    secret: true,
    shortdesc: 'Application credential secret',
    longdesc: 'The secret of the application credential.',
    fencing: { key: 'application_credential_secret', long: 'application-credential-secret' },
  },
  {
    name: 'cloud',
    type: 'string',
    shortdesc: 'Entry of clouds.yaml',
    longdesc:
      'Name of an entry of clouds.yaml (OS_CLIENT_CONFIG_FILE, /etc/openstack/clouds.yaml) that holds the connection; parameters given beside it override it.',
    fencing: { key: 'cloud', long: 'cloud' },
  },
  {
    name: 'no_shared_storage',
    type: 'boolean',
    shortdesc: 'Disks of instances are not shared',
    longdesc:
      'Set when the disks of instances lie on the compute hosts themselves: evacuated instances then start from their image again.',
    ocfDefault: '0',
    fencing: { key: 'no_shared_storage', long: 'no-shared-storage' },
  },
];

/**
 * The first parameter that is needed for a log-in and was not given; null when there are enough. With `cloud` the
 * entry of clouds.yaml may hold everything, with an application credential no user, password or project is needed.
 */
export function missingParameter(values: ConnectionValues): ConnectionParameterName | null {
  const given = (name: ConnectionParameterName) => (values.strings[name] ?? '') !== '';
  if (given('cloud')) return null;
  const needed: ConnectionParameterName[] = ['auth_url'];
  if (given('application_credential_id')) needed.push('application_credential_secret');
  else if (given('application_credential_name')) needed.push('username', 'application_credential_secret');
  else needed.push('username', 'password', 'tenant_name');
  return needed.find((name) => !given(name)) ?? null;
}
