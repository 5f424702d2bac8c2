// A cloud in the same process takes the place of HTTP: whoever injects it rules over the client's time as well.
import { type Answer, connect, type Exchange, NovaError, type Transport } from '@openstack-ts/nova-client';
import { expect, it } from 'vitest';
import { VirtualTime } from '../../simulators/world/virtualTime.ts';
import { configOf, plainCatalogue } from './loopback.ts';

type Given = { readonly status?: number; readonly body?: unknown; readonly headers?: Answer['headers'] };

/** Answers after 100 ms of virtual time; null is no answer within the timeout. */
function inProcess(time: VirtualTime, answer: (exchange: Exchange) => Given | null) {
  const asked: string[] = [];
  const transport: Transport = {
    send: (exchange, timeoutMs) =>
      new Promise((resolve, reject) => {
        asked.push(`${time.now()} ${exchange.method} ${exchange.url.pathname}`);
        const given = answer(exchange);
        if (given === null) {
          time.after(timeoutMs, () => reject(new NovaError('timeout', 'no answer')));
          return;
        }
        const { status = 200, body = {}, headers = {} } = given;
        const text = JSON.stringify(body);
        time.after(100, () => resolve({ exchange, status, requestId: null, headers, text }));
      }),
  };
  const sleep = (ms: number) => new Promise<void>((resolve) => time.after(ms, resolve));
  return { asked, deps: { transport, env: {}, now: () => time.now(), sleep, random: () => 1 } };
}

function token(time: VirtualTime, lifeMs: number): Given {
  const at = (ms: number) => new Date(ms).toISOString();
  const catalog = plainCatalogue('http://nova.invalid');
  return {
    status: 201,
    headers: { 'x-subject-token': 'token' },
    body: { token: { issued_at: at(time.now()), expires_at: at(time.now() + lifeMs), catalog } },
  };
}

const version = { body: { version: { id: 'v2.1', version: '2.93', min_version: '2.1' } } };

it('a transport in place of HTTP is asked everything, and all pauses pass by its clock', async () => {
  const time = new VirtualTime(0);
  let failures = 3;
  const { asked, deps } = inProcess(time, ({ url }) => {
    if (url.pathname === '/v3/auth/tokens') return token(time, 3_600_000);
    if (url.pathname === '/v2.1/') return version;
    return failures-- > 0 ? { status: 503 } : { body: { services: [] } };
  });
  const nova = await time.until(connect(configOf('http://keystone.invalid/v3'), deps));
  expect(await time.until(nova.listComputeServices())).toEqual([]);
  expect(asked).toEqual([
    '0 POST /v3/auth/tokens',
    '100 GET /v2.1/',
    '200 GET /v2.1/os-services',
    '800 GET /v2.1/os-services',
    '1900 GET /v2.1/os-services',
    '4000 GET /v2.1/os-services',
  ]);
});

it('lists of volumes by image may take as long as the lists that Nova puts together over its cells', async () => {
  const time = new VirtualTime(0);
  const { deps } = inProcess(time, ({ url }) => {
    if (url.pathname === '/v3/auth/tokens') {
      const endpoints = [{ interface: 'internal', region: 'one', url: 'http://cinder.invalid/v3' }];
      const given = token(time, 3_600_000);
      const { catalog } = (given.body as { token: { catalog: unknown[] } }).token;
      catalog.push({ type: 'volumev3', endpoints });
      return given;
    }
    return url.pathname === '/v2.1/' ? version : null;
  });
  const nova = await time.until(connect(configOf('http://keystone.invalid/v3'), deps));
  const took = async (list: Promise<unknown>) => {
    const began = time.now();
    await time.until(list.catch(() => null));
    return time.now() - began;
  };
  expect(await took(nova.listVolumesByImageProperty('evacuable', 'true'))).toBe(75_000);
  expect(await took(nova.getVolume('v'))).toBeLessThanOrEqual(60_000);
});

it('who waits for the log-in of another gives up by the same clock', async () => {
  const time = new VirtualTime(0);
  let logIns = 0;
  const { deps } = inProcess(time, ({ url }) => {
    if (url.pathname === '/v2.1/') return version;
    if (url.pathname !== '/v3/auth/tokens') return { body: { services: [] } };
    logIns++;
    return logIns === 2 ? null : token(time, 1_000);
  });
  const nova = await time.until(connect(configOf('http://keystone.invalid/v3'), deps));
  await time.pass(10_000);
  const patient = nova.listComputeServices();
  const hasty = nova.listComputeServices({ deadline: time.now() + 5_000 }).catch((error: unknown) => error);
  const began = time.now();
  expect(await time.until(hasty)).toMatchObject({ code: 'timeout' });
  expect(time.now() - began).toBe(5_000);
  expect(await time.until(patient)).toEqual([]);
  expect(logIns).toBe(3);
});
