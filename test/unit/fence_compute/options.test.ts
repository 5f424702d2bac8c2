import { parseXml, XmlElement } from '@rgrove/parse-xml';
import { describe, expect, it } from 'vitest';
import { fenceCompute } from '../../../fence/fence_compute/agent.ts';
import { connectionValues, dnsDomain, doesNothing, options } from '../../../fence/fence_compute/options.ts';
import { checkConnection } from '../../../fence/fence_compute/wiring.ts';
import { renderMetadata } from '../../../lib/fencing/metadata.ts';
import { FenceOptions } from '../../../lib/fencing/options.ts';
import { parseStdin } from '../../../lib/fencing/stdin.ts';
import { stage } from './fakes.ts';

const given = (stdin: string) => new FenceOptions(options, parseStdin(options, stdin));
const agent = fenceCompute({
  version: '0',
  createWorld: async () => {
    throw new Error('no world here');
  },
  checkConnection: async () => undefined,
});

/** Names, types and defaults as configurations in the field rely on them: [name, type, default, required]. */
const field: readonly (readonly [string, string, string | undefined, string])[] = [
  ['action', 'string', 'off', '1'],
  ['plug', 'string', undefined, '1'],
  ['port', 'string', undefined, '1'],
  ['login', 'string', undefined, '0'],
  ['username', 'string', undefined, '0'],
  ['passwd', 'string', undefined, '0'],
  ['password', 'string', undefined, '0'],
  ['passwd_script', 'string', undefined, '0'],
  ['password_script', 'string', undefined, '0'],
  ['tenant_name', 'string', '', '0'],
  ['auth_url', 'string', '', '0'],
  ['endpoint_type', 'string', 'internalURL', '0'],
  ['region_name', 'string', '', '0'],
  ['user-domain', 'string', 'Default', '0'],
  ['user_domain', 'string', 'Default', '0'],
  ['project-domain', 'string', 'Default', '0'],
  ['project_domain', 'string', 'Default', '0'],
  ['domain', 'string', undefined, '0'],
  ['compute-domain', 'string', undefined, '0'],
  ['compute_domain', 'string', undefined, '0'],
  ['insecure', 'boolean', undefined, '0'],
  ['record_only', 'string', 'False', '0'],
  ['instance_filtering', 'boolean', 'True', '0'],
  ['no_shared_storage', 'boolean', 'False', '0'],
  ['delay', 'second', '0', '0'],
  ['power_timeout', 'second', '20', '0'],
  ['power_wait', 'second', '0', '0'],
  ['login_timeout', 'second', '5', '0'],
  ['shell_timeout', 'second', '180', '0'],
  ['retry_on', 'integer', '1', '0'],
  ['stonith_status_sleep', 'second', '1', '0'],
  ['disable_timeout', 'string', undefined, '0'],
  ['separator', 'string', ',', '0'],
  ['plug_separator', 'string', ',', '0'],
  ['verbose', 'boolean', undefined, '0'],
  ['verbose_level', 'integer', undefined, '0'],
  ['debug', 'string', undefined, '0'],
  ['debug_file', 'string', undefined, '0'],
  ['quiet', 'boolean', undefined, '0'],
  ['help', 'boolean', undefined, '0'],
  ['version', 'boolean', undefined, '0'],
];

describe('metadata', () => {
  const elements = (parent: XmlElement): XmlElement[] =>
    parent.children.filter((child): child is XmlElement => child instanceof XmlElement);
  const find = (parent: XmlElement | null | undefined, name: string) =>
    elements(parent ?? new XmlElement('none')).find((child) => child.name === name) ?? new XmlElement('none');
  const root = parseXml(renderMetadata(agent)).root;
  const parameters = elements(find(root, 'parameters'));

  it.each(field)('%s is a %s, default %j', (name, type, byDefault, required) => {
    const [parameter, ...others] = parameters.filter((each) => each.attributes['name'] === name);
    expect(others).toEqual([]);
    expect(parameter?.attributes['required']).toBe(required);
    const { attributes } = find(parameter, 'content');
    expect([attributes['type'], attributes['default']]).toEqual([type, byDefault]);
  });

  it('has every name once', () => {
    const names = parameters.map((parameter) => parameter.attributes['name']);
    expect(new Set(names).size).toBe(names.length);
  });

  it('offers the actions of old, on automatic, and no reboot', () => {
    expect(elements(find(root, 'actions')).map(({ attributes }) => attributes)).toEqual([
      { name: 'on', automatic: '1' },
      { name: 'off' },
      { name: 'status' },
      { name: 'list' },
      { name: 'list-status' },
      { name: 'monitor' },
      { name: 'metadata' },
      { name: 'manpage' },
      { name: 'validate-all' },
    ]);
  });
});

describe('options', () => {
  it('have one long name and one letter each', () => {
    const longs = options.map((option) => option.long);
    expect(new Set(longs).size).toBe(longs.length);
    const letters = options.flatMap((option) => (option.short === undefined ? [] : [option.short]));
    expect(new Set(letters).size).toBe(letters.length);
    expect(letters.sort().join('')).toBe('CDPSVdehklnopqrtuv');
  });

  it.each(['2', 'Disabled', 'disabled'])('record_only=%s does nothing', (word) => {
    expect(doesNothing(given(`record-only=${word}`))).toBe(true);
  });

  it.each(['1', 'True', 'true', 'yes', '0', 'False', 'DISABLED', ''])('record_only=%s fences', (word) => {
    expect(doesNothing(given(`record_only=${word}`))).toBe(false);
  });

  it('reach the connection under all their names, and only when given', () => {
    const stdin =
      'auth-url=http://k\nusername=u\npasswd=p\ntenant-name=t\nuser-domain=ops\nregion_name=\ndomain=dom';
    expect(connectionValues(given(stdin))).toEqual({
      strings: {
        auth_url: 'http://k',
        username: 'u',
        password: 'p',
        tenant_name: 't',
        user_domain: 'ops',
        domain: 'dom',
      },
      insecure: null,
    });
  });

  it('insecure=0 means verify', () => {
    expect(connectionValues(given('insecure=0')).insecure).toBe(false);
    expect(connectionValues(given('insecure=1')).insecure).toBe(true);
  });

  it('compute_domain is another name of domain', () => {
    expect(dnsDomain(given('compute_domain=x'))).toBe('x');
    expect(dnsDomain(given('compute-domain=x\ndomain=y'))).toBe('y');
    expect(dnsDomain(given(''))).toBeUndefined();
  });
});

describe('the check of the connection', () => {
  const login = 'auth_url=http://keystone:5000/v3\nlogin=u\npasswd=p\ntenant_name=t\n';
  const at = stage();
  const check = (stdin: string) => checkConnection(at.context(stdin));

  it('is content with what leads to Keystone', async () => {
    await check(`action=off\n${login}`);
    await check(
      'action=off\nauth_url=http://k\napplication_credential_id=i\napplication_credential_secret=s',
    );
  });

  it('does not run the password script', async () => {
    await check(`action=off\n${login.replace('passwd=p', 'passwd_script=exit 1; touch /nowhere')}`);
  });

  it.each([
    ['auth_url', 'auth_url'],
    ['login', 'username'],
    ['passwd', 'password'],
    ['tenant_name', 'tenant_name'],
  ])('names %s when it is missing', async (key, name) => {
    const lines = login.split('\n').filter((line) => !line.startsWith(key));
    await expect(check(['action=monitor', ...lines].join('\n'))).rejects.toThrow(
      `Failed: ${name} is not set`,
    );
  });

  it('only warns of it in validate-all, which has always passed without a login', async () => {
    at.messages.length = 0;
    await check('action=validate-all');
    expect(at.messages).toEqual([expect.stringMatching(/^warn auth_url is not set/)]);
  });

  it.each([
    ['endpoint_type=foo', 'endpoint_type'],
    ['auth_url=ftp://k', 'auth_url'],
    ['auth_url=keystone', 'auth_url'],
    ['cacert=/no/such/file', '/no/such/file'],
  ])('refuses %s', async (line, words) => {
    for (const action of ['off', 'validate-all']) {
      await expect(check(`action=${action}\n${login}${line}`)).rejects.toThrow(words);
    }
  });
});
