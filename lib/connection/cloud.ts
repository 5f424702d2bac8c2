import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import type { CloudConfig, CloudSettings } from '@openstack-ts/nova-client';
import {
  checkFiles,
  cloudConfig,
  fileWithin,
  hideSecrets,
  loadCloud,
  NovaError,
  overlaid,
  parseDomain,
  parseInterface,
} from '@openstack-ts/nova-client';
import { rethrowUnless } from '../rethrow.ts';
import { hideWith } from '../system/secrets.ts';
import { checkValues } from './checkValues.ts';
import type { ConnectionParameterName, ConnectionValues } from './connectionParameters.ts';

// The client knows tokens, and the forms in which a service repeats a secret.
hideWith(hideSecrets);

/**
 * Turns the operator's parameters into the configuration of a cloud. An entry of clouds.yaml comes first, what is
 * given beside it overrides it, and drops what stands there for the same in another form. Files are looked at now, so
 * that a wrong path is told by its parameter's name. Throws `NovaError` with code `config` and one sentence.
 */
export async function toCloudConfig(values: ConnectionValues, env: NodeJS.ProcessEnv): Promise<CloudConfig> {
  checkValues(values);
  const text = (name: ConnectionParameterName) => values.strings[name] ?? '';
  const given = givenSettings(values);
  for (const name of ['cacert', 'cert', 'key'] as const) {
    if (text(name) !== '') await readable(name, text(name));
  }
  if (text('cloud') === '') return cloudConfig(given);
  const { region } = given;
  const entry = await loadCloud(text('cloud'), { env, ...(region === undefined ? {} : { region }) });
  const config = cloudConfig(overlaid(entry, given));
  for (const path of [config.tls.caFile, config.tls.certFile, config.tls.keyFile]) {
    if (path !== undefined) await answers(`${path} (a file of TLS in clouds.yaml)`, path);
  }
  return config;
}

/**
 * Whether the connection can be made as far as this machine is concerned, before it is needed for the first time: all of
 * {@link toCloudConfig}, and that the certificates and the key are such. `missing`: a file is not there, which may well be
 * otherwise on another machine; `wrong`: what is given or what a file holds is of no use. Null: it can be made.
 * `files`: whether what they hold is tried, or only that they are there.
 */
export async function checkConnection(
  values: ConnectionValues,
  env: NodeJS.ProcessEnv,
  files: 'tried' | 'there' = 'tried',
): Promise<{ readonly kind: 'missing' | 'wrong'; readonly sentence: string } | null> {
  try {
    const { tls } = await toCloudConfig(values, env);
    if (files === 'tried') checkFiles(tls);
    return null;
  } catch (error) {
    rethrowUnless(error, NovaError);
    const { cause } = error;
    const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    return { kind: isMissing ? 'missing' : 'wrong', sentence: error.message };
  }
}

function givenSettings(values: ConnectionValues): CloudSettings {
  const text = (name: ConnectionParameterName) => values.strings[name] ?? '';
  const url = text('auth_url');
  if (url !== '' && !isHttpUrl(url)) {
    throw new NovaError(
      'config',
      `auth_url is not an http or https address, such as https://keystone.example:5000/v3`,
    );
  }
  const endpointInterface = parseInterface(text('endpoint_type') || 'internalURL');
  if (endpointInterface === null) {
    throw new NovaError('config', 'endpoint_type must be internalURL, publicURL or adminURL');
  }
  const settings = {
    authUrl: url,
    username: text('username'),
    password: text('password'),
    projectName: text('tenant_name'),
    applicationCredentialId: text('application_credential_id'),
    applicationCredentialName: text('application_credential_name'),
    applicationCredentialSecret: text('application_credential_secret'),
    region: text('region_name'),
    caFile: text('cacert'),
    certFile: text('cert'),
    keyFile: text('key'),
  };
  const domain = (name: 'user_domain' | 'project_domain') =>
    text(name) === '' ? null : parseDomain(text(name));
  const userDomain = domain('user_domain');
  const projectDomain = domain('project_domain');
  return {
    ...Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== '')),
    ...(userDomain === null ? {} : { userDomain }),
    ...(projectDomain === null ? {} : { projectDomain }),
    ...(text('endpoint_type') === '' ? {} : { endpointInterface }),
    ...(values.insecure === null ? {} : { verify: !values.insecure }),
  };
}

function isHttpUrl(text: string): boolean {
  try {
    return ['http:', 'https:'].includes(new URL(text).protocol);
  } catch {
    return false;
  }
}

async function readable(name: string, path: string): Promise<void> {
  const what = `The file ${path} of ${name}`;
  try {
    await fileWithin(what, access(path, constants.R_OK));
  } catch (cause) {
    if (cause instanceof NovaError) throw cause;
    throw new NovaError('config', `${what} cannot be read`, { cause });
  }
  await answers(what, path);
}

/** TLS reads a file in one go: it would wait for a server that is away, and for whoever writes to a pipe. */
async function answers(what: string, path: string): Promise<void> {
  const facts = await fileWithin(
    what,
    stat(path).catch(() => null),
  );
  if (facts !== null && !facts.isFile() && !facts.isDirectory()) {
    throw new NovaError('config', `${what} cannot be used: it is no plain file`);
  }
}
