import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import type { CloudConfig, CloudSettings } from '@openstack-ts/nova-client';
import { cloudConfig, loadCloud, NovaError, parseDomain, parseInterface } from '@openstack-ts/nova-client';
import type { ConnectionParameterName, ConnectionValues } from './connectionParameters.ts';

/**
 * Turns the operator's parameters into the configuration of a cloud. An entry of clouds.yaml comes first, what is
 * given beside it overrides it. Files are looked at now, so that a wrong path is told by its parameter's name.
 * Throws `NovaError` with code `config` and one sentence.
 */
export async function toCloudConfig(values: ConnectionValues, env: NodeJS.ProcessEnv): Promise<CloudConfig> {
  const text = (name: ConnectionParameterName) => values.strings[name] ?? '';
  const cloud = text('cloud') === '' ? {} : await loadCloud(text('cloud'), { env });
  for (const name of ['cacert', 'cert', 'key'] as const) {
    if (text(name) !== '') await readable(name, text(name));
  }
  return cloudConfig({ ...cloud, ...givenSettings(values) });
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
  try {
    await access(path, constants.R_OK);
  } catch (cause) {
    throw new NovaError('config', `The file ${path} of ${name} cannot be read`, { cause });
  }
}
