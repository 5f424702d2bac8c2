import { connect, NovaError } from '@openstack-ts/nova-client';
import { expect, it } from 'vitest';
import {
  forgetSecrets,
  hideSecrets,
  keepSecret,
  plainRequestId,
  quoted,
  tellable,
} from '../../../lib/nova-client/src/secrets.ts';
import { cloud, configOf, loopback, type Reply, surroundings } from './loopback.ts';

const secret = `p"a\\ss <w>ö&rd's/%`;
keepSecret(secret);

const forms: Readonly<Record<string, string>> = {
  raw: secret,
  JSON: JSON.stringify(secret),
  'JSON of Python': JSON.stringify(secret).replace('ö', '\\u00f6'),
  address: encodeURIComponent(secret),
  'address in small letters': encodeURIComponent(secret).replace(/%../g, (each) => each.toLowerCase()),
  'address of Python': encodeURIComponent(secret).replace("'", '%27'),
  form: new URLSearchParams({ secret }).toString(),
  HTML: secret.replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;'),
  'HTML with quotes': secret
    .replace('&', '&amp;')
    .replace('<', '&lt;')
    .replace('>', '&gt;')
    .replace('"', '&quot;')
    .replace("'", '&#x27;'),
};
/** What is left of it when it was cut before it was hidden. */
const pieces = /p.{0,6}a.{0,4}ss|%22a|ö|%C3|%c3|\\u00f6|rd/;

it.each(Object.keys(forms))('a secret is hidden as %s', (form) => {
  expect(hideSecrets(`it is ${forms[form]}, that is`)).not.toMatch(pieces);
});

it.each(Object.keys(forms))('and before anything is cut: %s', async (form) => {
  for (const before of [0, 60, 380, 395, 8 * 1024 - 5]) {
    const padding = 'x '.repeat(before / 2);
    const bodies: Reply[] = [
      { status: 400, body: `${padding}${forms[form]}` },
      { status: 400, body: `<html><body>${padding}${forms[form]}</body></html>` },
      { status: 400, body: { badRequest: { message: `${padding}${forms[form]}` } } },
      { status: 401, body: { error: { message: `${padding}${forms[form]}` } } },
      { status: 200, body: { version: { min_version: `${padding}${forms[form]}`, version: '2.1' } } },
      { status: 200, body: { version: `${padding}${forms[form]}` } },
      { status: 200, body: 'x', headers: { 'content-type': encodeURI(`text/${'x'.repeat(50)}${secret}`) } },
    ];
    for (const reply of bodies) {
      const one = await cloud({ answer: (seen) => (seen.path === '/v2.1/' ? reply : null) });
      const failure = await connect(one.config, surroundings()).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(NovaError);
      expect(told(failure)).not.toMatch(pieces);
      expect(told(failure).length).toBeLessThan(3000);
    }
  }
});

function told(failure: unknown): string {
  return [
    String(failure),
    JSON.stringify(failure),
    failure instanceof Error ? String(failure.cause) : '',
  ].join('\n');
}

it('every error is on one line and bounded, whoever made its sentence of what', () => {
  const cause = Object.assign(new Error(`${secret}\n${'y'.repeat(5000)}`), {
    code: 'EODD',
    rawPacket: secret,
  });
  const error = new NovaError('malformed', `one\ntwo ${secret} ${'z'.repeat(5000)}`, {
    path: `/x?${secret}`,
    cause,
  });
  expect(error.message).toMatch(/^one two \*\*\* z+…$/);
  expect(error.message).toHaveLength(1000);
  expect(error.path).toBe('/x?***');
  expect(error.cause).toMatchObject({ message: expect.stringMatching(/^\*\*\* y+…$/), code: 'EODD' });
  expect(error.cause).not.toHaveProperty('rawPacket');
  expect(told(error)).not.toMatch(pieces);
});

it('a request id is one, or none', async () => {
  expect(plainRequestId('req-6d0f4c1e-1c41-4b79-8d3e-000000000000')).toMatch(/^req-/);
  for (const odd of [null, '', 'x'.repeat(81), 'two words', 'a\nb', `${secret}`])
    expect(plainRequestId(odd)).toBeNull();
  const one = await loopback(() => ({
    status: 500,
    headers: { 'x-openstack-request-id': 'r'.repeat(4000) },
  }));
  const deps = surroundings({ retry: { attempts: 1 } });
  const failure = await connect(configOf(`${one.url}/v3`), deps).catch((error: unknown) => error);
  expect(failure).toMatchObject({ requestId: null, message: 'Keystone failed to log in (HTTP 500)' });
});

it('a quotation is short, a text too short to be one is no secret', () => {
  expect(quoted('a'.repeat(200))).toBe(`"${'a'.repeat(79)}…"`);
  expect(tellable('a\u2028b\u0007c')).toBe('a b c');
  keepSecret('ab');
  expect(hideSecrets('absent')).toBe('absent');
});

it('of many secrets that begin alike each is hidden, and the longer one that holds another wholly', () => {
  const tokens = Array.from({ length: 200 }, (_, index) => `gAAAAA-token-${index}`);
  for (const token of tokens) keepSecret(token);
  expect(hideSecrets(`${tokens.join(' ')} gAAAAA`)).toBe(`${tokens.map(() => '***').join(' ')} gAAAAA`);
});

it('forgotten, a text is no secret any more', () => {
  keepSecret('but-for-now');
  forgetSecrets();
  expect(hideSecrets('but-for-now')).toBe('but-for-now');
});
