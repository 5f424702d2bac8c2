import { NovaError } from '@openstack-ts/nova-client';
import {
  type ConnectionParameterName,
  type ConnectionValues,
  connectionParameters,
} from './connectionParameters.ts';

/** Nothing that Keystone knows by a name has a longer one (its columns hold 64 to 255 characters). */
const longestName = 255;
/** Keystone's `max_password_length`; a path of Linux; what every web server takes of an address. */
const longest: Readonly<Partial<Record<ConnectionParameterName, number>>> = {
  password: 4096,
  application_credential_secret: 4096,
  cacert: 4095,
  cert: 4095,
  key: 4095,
  auth_url: 2048,
};

/**
 * What can be told of the values without a cloud and without a file: that one cannot be meant, or that two contradict
 * each other. Throws `NovaError` with code `config` and one sentence that names the parameter, and never its value.
 */
export function checkValues(values: ConnectionValues): void {
  const given = (name: ConnectionParameterName) => (values.strings[name] ?? '') !== '';
  for (const { name, secret } of connectionParameters) {
    const text = values.strings[name] ?? '';
    const bound = longest[name] ?? longestName;
    if (text.length > bound) throw wrong(`${name} is longer than ${bound} characters`);
    // A secret may be of any characters; a line end is what an editor or a template leaves behind it.
    if (secret === true ? /[\r\n\u2028\u2029]/.test(text) : /[\p{Cc}\p{Zl}\p{Zp}]/u.test(text)) {
      throw wrong(`${name} holds a line end${secret === true ? '' : ' or another control character'}`);
    }
  }
  const credential = (['application_credential_id', 'application_credential_name'] as const).find(given);
  if (given('password') && credential !== undefined) {
    throw wrong(`password and ${credential} are two ways to log in; give one of them`);
  }
  if (given('application_credential_secret') && credential === undefined && !given('cloud')) {
    throw wrong('application_credential_secret is given without application_credential_id or _name');
  }
  if (given('key') && !given('cert') && !given('cloud')) throw wrong('key is given without cert');
}

function wrong(sentence: string): NovaError {
  return new NovaError('config', sentence);
}
