import {
  type ConnectionParameter,
  type ConnectionParameterName,
  type ConnectionValues,
  connectionParameters,
} from '../../lib/connection/connectionParameters.ts';
import {
  actionOption,
  delayOption,
  disableTimeoutOption,
  type FenceAction,
  type FenceOption,
  type FenceOptions,
  listOptions,
  loggingOptions,
  passwordScriptOption,
  plugOption,
} from '../../lib/fencing/index.ts';

export const actions: readonly FenceAction[] = [
  // Automatic: Pacemaker itself calls `on` when the node comes back (unfencing), never right after `off`.
  { name: 'on', aliases: ['enable'], needsPlug: true, automatic: true },
  { name: 'off', aliases: ['disable'], needsPlug: true, delayed: true },
  { name: 'status', needsPlug: true },
  { name: 'list' },
  { name: 'list-status' },
  { name: 'monitor' },
];
// No reboot: it is left to the power device of the same level, and Pacemaker splits it into off and on.

export const defaultAction = 'off';

/** What stands for a value in the usage text. */
const ARGUMENTS: Readonly<Partial<Record<ConnectionParameterName, string>>> = {
  auth_url: 'url',
  password: 'password',
  endpoint_type: 'endpoint',
  region_name: 'region',
  domain: 'string',
  cacert: 'file',
  cert: 'file',
  key: 'file',
  application_credential_id: 'id',
  application_credential_secret: 'secret',
};

/**
 * Defaults that the metadata has always shown, for options whose absence means the same. `no_shared_storage` has its
 * effect in NovaEvacuate and is accepted here because one set of options is often given to both agents.
 */
const SHOWN_DEFAULTS: Readonly<Partial<Record<ConnectionParameterName, string>>> = {
  no_shared_storage: 'False',
};

function connectionOption(parameter: ConnectionParameter): FenceOption {
  const { fencing, name } = parameter;
  const byDefault = fencing.default ?? SHOWN_DEFAULTS[name];
  return {
    key: fencing.key,
    long: fencing.long,
    type: parameter.type,
    argument: ARGUMENTS[name] ?? 'name',
    // Metadata of fence agents have room for one text per option, and that is what clients show.
    shortdesc: parameter.longdesc.replace(/\.$/, ''),
    ...(parameter.secret === true ? { secret: true } : {}),
    ...(fencing.short === undefined ? {} : { short: fencing.short }),
    ...(byDefault === undefined ? {} : { default: byDefault }),
  };
}

/** Every option of fence_compute, in the order of its metadata. */
export const options: readonly FenceOption[] = [
  actionOption([...actions.map(({ name }) => name), 'metadata', 'manpage', 'validate-all'], defaultAction),
  plugOption,
  ...connectionParameters.map(connectionOption),
  passwordScriptOption,
  {
    key: 'compute-domain',
    long: 'compute-domain',
    type: 'string',
    argument: 'string',
    shortdesc: 'Another name of domain, used where domain is not given',
  },
  {
    key: 'record_only',
    long: 'record-only',
    short: 'r',
    type: 'string',
    default: 'False',
    argument: 'value',
    shortdesc: 'Do nothing at all when set to 2 or Disabled; every other value means a normal fencing',
  },
  {
    key: 'instance_filtering',
    long: 'instance-filtering',
    type: 'boolean',
    default: 'True',
    shortdesc: 'Accepted for old configurations: NovaEvacuate decides which instances are evacuated',
  },
  ...loggingOptions,
  ...listOptions,
  delayOption,
  disableTimeoutOption,
  {
    key: 'login_timeout',
    long: 'login-timeout',
    type: 'second',
    default: '5',
    argument: 'seconds',
    shortdesc: 'Wait X seconds for Keystone (only when given, and timeouts are not disabled)',
  },
  {
    key: 'power_timeout',
    long: 'power-timeout',
    type: 'second',
    default: '20',
    argument: 'seconds',
    shortdesc: 'Wait X seconds for Nova and the attribute daemon during ON/OFF',
  },
  {
    key: 'power_wait',
    long: 'power-wait',
    type: 'second',
    default: '0',
    argument: 'seconds',
    shortdesc: 'Wait X seconds after issuing ON/OFF',
  },
  {
    key: 'shell_timeout',
    long: 'shell-timeout',
    type: 'second',
    default: '180',
    argument: 'seconds',
    shortdesc: 'Wait X seconds for each answer of Nova (only when given, and timeouts are not disabled)',
  },
  {
    key: 'stonith_status_sleep',
    long: 'stonith-status-sleep',
    type: 'second',
    default: '1',
    argument: 'seconds',
    shortdesc: 'Sleep X seconds between looks at the mark while ON waits for evacuations',
  },
  {
    key: 'retry_on',
    long: 'retry-on',
    type: 'integer',
    default: '1',
    argument: 'attempts',
    shortdesc: 'Accepted for old configurations: requests are repeated until the time is over',
  },
];

/** The values of `record_only` that ask for doing nothing (fence_compute 4.1 and later). */
export function doesNothing(given: FenceOptions): boolean {
  return ['2', 'Disabled', 'disabled'].includes(given.string('record_only'));
}

/** The DNS domain of the compute hosts. */
export function dnsDomain(given: FenceOptions): string | undefined {
  return given.string('domain') || given.string('compute-domain') || undefined;
}

/** What the operator gave of the connection; defaults are left to it, as an entry of clouds.yaml goes before them. */
export function connectionValues(given: FenceOptions): ConnectionValues {
  const strings: Partial<Record<ConnectionParameterName, string>> = {};
  for (const { name, type, fencing } of connectionParameters) {
    if (type !== 'string' || !given.given(fencing.key)) continue;
    const text = given.string(fencing.key);
    if (text !== '') strings[name] = text;
  }
  return { strings, insecure: given.given('insecure') ? given.boolean('insecure') : null };
}
