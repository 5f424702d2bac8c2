// What becomes of a request when the other side misbehaves: what is repeated, what is not, and above all whether
// an evacuation may have been carried out.

import { createServer, connect as dial, type Socket } from 'node:net';
import { connect, type NovaClient, NovaError, novaHost, serverId } from '@openstack-ts/nova-client';
import { describe, expect, it, onTestFinished } from 'vitest';
import { makeCertificates } from './certificates.ts';
import { type Cloud, type CloudOptions, cloud, configOf, type Reply, surroundings } from './loopback.ts';

type Fault = NonNullable<CloudOptions['answer']>;
const services: Reply = { body: { services: [] } };
const evacuate = (client: NovaClient) => client.evacuate(serverId('s-1'), { disk: 'either' });
const caught = (promise: Promise<unknown>): Promise<NovaError> =>
  promise.then(
    () => Promise.reject(new Error('no error came')),
    (error: unknown) => (error instanceof NovaError ? error : Promise.reject(error)),
  );

/** The first `times` requests to Nova meet the fault. */
function failing(times: number, fault: Fault, then: Reply = services): Fault {
  let met = 0;
  return (seen, raw, socket) => {
    if (!/os-services|\/action/.test(seen.path)) return null;
    return ++met <= times ? fault(seen, raw, socket) : then;
  };
}

const reset: Fault = (_seen, _raw, socket) => {
  socket.resetAndDestroy();
  return 'handled';
};
const hangUp: Fault = (_seen, raw) => {
  raw.destroy();
  return 'handled';
};
const halfAnswer: Fault = (_seen, raw, socket) => {
  raw.writeHead(200, { 'content-type': 'application/json', 'content-length': 100 });
  raw.write('{"services": [');
  setTimeout(() => socket.destroy(), 20);
  return 'handled';
};
const halfChunks: Fault = (_seen, raw, socket) => {
  raw.writeHead(200, { 'content-type': 'application/json' });
  raw.write('{"services": []}');
  setTimeout(() => socket.destroy(), 20);
  return 'handled';
};
const silence: Fault = () => 'handled';
const status =
  (code: number, headers: Record<string, string> = {}): Fault =>
  () => ({ status: code, headers, body: { computeFault: { code, message: 'not now' } } });

async function clientOf(answer: Fault, deps = surroundings()): Promise<{ one: Cloud; client: NovaClient }> {
  const one = await cloud({ answer });
  return { one, client: await connect(one.config, deps) };
}

describe('a list', () => {
  it.each([
    ['a reset', reset],
    ['a closed connection', hangUp],
    ['half an answer', halfAnswer],
    ['an answer that breaks off between chunks', halfChunks],
    ['500', status(500)],
    ['502', status(502)],
    ['503', status(503)],
    ['504', status(504)],
    ['429', status(429)],
    ['408', status(408)],
    ['413', status(413)],
  ])('is asked for again after %s', async (_name, fault) => {
    const deps = surroundings();
    const { one, client } = await clientOf(failing(2, fault), deps);
    expect(await client.listComputeServices()).toEqual([]);
    expect(one.calls()).toHaveLength(3);
    expect(deps.pauses).toEqual([375, 750]);
    expect(client.requestCount).toBe(5);
  });

  it('is asked for again after a silence', async () => {
    const { one, client } = await clientOf(failing(1, silence), surroundings({ requestTimeoutMs: 60 }));
    expect(await client.listComputeServices()).toEqual([]);
    expect(one.calls()).toHaveLength(2);
  });

  it('is asked for as it is, not packed', async () => {
    const { one, client } = await clientOf(failing(0, silence));
    await client.listComputeServices();
    expect(one.seen.map((seen) => seen.headers['accept-encoding'])).toEqual(one.seen.map(() => 'identity'));
  });

  it('that is packed all the same says so', async () => {
    const { client } = await clientOf((seen) =>
      seen.path.includes('os-services') ? { headers: { 'content-encoding': 'gzip' }, body: 'x' } : null,
    );
    expect((await caught(client.listComputeServices())).message).toContain(
      'sent a body that is not JSON (encoded as "gzip", which was not asked for)',
    );
  });

  it('that never came says how long it was waited for, in the last attempt and in all', async () => {
    const { one, client } = await clientOf(
      failing(99, silence),
      surroundings({ requestTimeoutMs: 100, retry: { attempts: 3 } }),
    );
    const failure = await caught(client.listComputeServices());
    expect(failure.code).toBe('timeout');
    expect(failure.message).toMatch(
      new RegExp(
        `^Nova at ${one.url} did not answer within 0\\.1 s when asked to list the compute services ` +
          '\\(attempt 3; it was asked for 0\\.[3-9] s in all\\)$',
      ),
    );
  });

  it('is not asked for for ever', async () => {
    const { one, client } = await clientOf(failing(99, status(503)));
    const failure = await caught(client.listComputeServices());
    expect(failure).toMatchObject({
      code: 'serverError',
      status: 503,
      unanswered: false,
      message: 'Nova failed to list the compute services: not now (HTTP 503)',
    });
    expect(one.calls()).toHaveLength(5);
  });

  it('waits as long as Retry-After says', async () => {
    const deps = surroundings();
    const { client } = await clientOf(failing(1, status(429, { 'retry-after': '3' })), deps);
    await client.listComputeServices();
    expect(deps.pauses).toEqual([3000]);
  });

  it('does not wait longer than it has time', async () => {
    const deps = surroundings({ budgetMs: 2_000 });
    const { one, client } = await clientOf(failing(1, status(503, { 'retry-after': '3' })), deps);
    const failure = await caught(client.listComputeServices());
    expect(failure).toMatchObject({ code: 'serverError', retryAfterMs: 3_000 });
    expect(deps.pauses).toEqual([]);
    expect(one.calls()).toHaveLength(1);
  });

  it('keeps to the deadline of the call', async () => {
    const { client } = await clientOf(failing(99, silence), surroundings({ requestTimeoutMs: 10_000 }));
    const started = Date.now();
    const failure = await caught(client.listComputeServices({ deadline: started + 150 }));
    expect(failure.code).toBe('timeout');
    expect(Date.now() - started).toBeLessThan(1_000);
  });

  it('is not even sent after the deadline', async () => {
    const { one, client } = await clientOf(failing(0, silence));
    const failure = await caught(client.listComputeServices({ deadline: Date.now() - 1 }));
    expect(failure).toMatchObject({
      code: 'timeout',
      unanswered: false,
      path: '/v2.1/os-services?binary=nova-compute',
    });
    expect(one.calls()).toEqual([]);
  });

  it('is given up when the caller says so', async () => {
    const { one, client } = await clientOf(failing(99, silence));
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 50);
    const failure = await caught(client.listComputeServices({ signal: controller.signal }));
    expect(failure).toMatchObject({
      code: 'timeout',
      message: expect.stringMatching(/was no longer waited for after 0\.\d s when asked/),
    });
    expect(one.calls()).toHaveLength(1);
  });

  it('stops pausing when the caller says so', async () => {
    const one = await cloud({ answer: failing(99, status(503)) });
    const client = await connect(one.config, { env: {} });
    const started = Date.now();
    await caught(client.listComputeServices({ signal: AbortSignal.timeout(100) }));
    expect(Date.now() - started).toBeLessThan(400);
    expect(one.calls()).toHaveLength(1);
  });

  it.each([400, 403, 404, 409, 501])('is not asked for again after %i', async (code) => {
    const { one, client } = await clientOf(failing(1, status(code)));
    await caught(client.listComputeServices());
    expect(one.calls()).toHaveLength(1);
  });
});

describe('a state', () => {
  const host = {
    id: 'u-1',
    host: novaHost('comp0'),
    state: 'up',
    status: 'enabled',
    zone: null,
    disabledReason: null,
    forcedDown: false,
    updatedAt: null,
  } as const;

  it.each([
    ['a reset', reset],
    ['half an answer', halfAnswer],
    ['503', status(503)],
  ])('is set again after %s, for that does no harm', async (_name, fault) => {
    const { one, client } = await clientOf(failing(1, fault, { body: { service: {} } }));
    await client.setForcedDown(host, true);
    expect(one.calls()).toEqual(['PUT /v2.1/os-services/u-1', 'PUT /v2.1/os-services/u-1']);
  });

  it('may have been set when the answer stayed away', async () => {
    const { client } = await clientOf(failing(99, reset));
    expect(await caught(client.setForcedDown(host, true))).toMatchObject({
      code: 'connectionLost',
      unanswered: true,
    });
  });
});

describe('an evacuation', () => {
  it.each([
    ['a reset', reset, 'connectionLost', null],
    ['a closed connection', hangUp, 'connectionLost', null],
    ['half an answer', halfAnswer, 'connectionLost', null],
    ['a gateway that lost Nova', status(502), 'serverError', 502],
    ['a gateway that gave up', status(504), 'serverError', 504],
  ] as const)('is sent once, and may have been carried out after %s', async (_name, fault, code, answer) => {
    const { one, client } = await clientOf(failing(1, fault));
    expect(await caught(evacuate(client))).toMatchObject({
      code,
      status: answer,
      unanswered: true,
      method: 'POST',
      path: '/v2.1/servers/s-1/action',
    });
    expect(one.calls()).toEqual(['POST /v2.1/servers/s-1/action']);
  });

  it('is sent once, and may have been carried out after a silence', async () => {
    const { one, client } = await clientOf(failing(1, silence), surroundings({ requestTimeoutMs: 60 }));
    expect(await caught(evacuate(client))).toMatchObject({
      code: 'timeout',
      unanswered: true,
      message: `Nova at ${one.url} did not answer within 0.1 s when asked to evacuate server s-1`,
    });
    expect(one.calls()).toHaveLength(1);
  });

  it.each([
    [400, 'badRequest'],
    [403, 'forbidden'],
    [404, 'notFound'],
    [409, 'conflict'],
    [429, 'rateLimited'],
    [500, 'serverError'],
    [503, 'serverError'],
  ])('is sent once, and was refused by %i', async (code, expected) => {
    const { one, client } = await clientOf(failing(1, status(code, { 'retry-after': '4' })));
    expect(await caught(evacuate(client))).toMatchObject({
      code: expected,
      status: code,
      unanswered: false,
      retryAfterMs: 4_000,
    });
    expect(one.calls()).toHaveLength(1);
  });

  it('is not sent where nobody listens', async () => {
    const gone = await unusedPort();
    const dead = await cloud({
      catalogue: () => [
        {
          type: 'compute',
          endpoints: [{ interface: 'internal', region: 'one', url: `http://127.0.0.1:${gone}` }],
        },
      ],
    });
    expect(await caught(connect(dead.config, surroundings()))).toMatchObject({
      code: 'unreachable',
      unanswered: false,
      message: `Nova at http://127.0.0.1:${gone} cannot be reached: connection refused`,
    });
  });

  it('was not sent when the TLS handshake did not end in time', async () => {
    const { serverCert: cert, serverKey: key, remove } = await makeCertificates();
    onTestFinished(remove);
    const server = await stoppable({ tls: { cert, key } });
    const client = await connect(
      { ...server.config, tls: { verify: false } },
      surroundings({ requestTimeoutMs: 300 }),
    );
    await server.stall();
    expect(await caught(evacuate(client))).toMatchObject({
      code: 'timeout',
      unanswered: false,
      message: expect.stringContaining('could not be connected to within 0.3 s'),
    });
  });

  it('was refused before it was sent when Nova stopped listening meanwhile', async () => {
    const server = await stoppable();
    const client = await connect(server.config, surroundings());
    await server.stop();
    expect(await caught(evacuate(client))).toMatchObject({ code: 'unreachable', unanswered: false });
  });
});

describe('a Keystone that cannot be reached', () => {
  it('is said to be so', async () => {
    const port = await unusedPort();
    const deps = surroundings();
    expect(await caught(connect(configOf(`http://127.0.0.1:${port}/v3`), deps))).toMatchObject({
      code: 'unreachable',
      message: `Keystone at http://127.0.0.1:${port} cannot be reached: connection refused`,
      path: '/v3/auth/tokens',
    });
    expect(deps.pauses).toHaveLength(4);
  });

  it('by name is said to be so at once', async () => {
    const deps = surroundings();
    const failure = await caught(connect(configOf('http://keystone.invalid:5000/v3'), deps));
    expect(failure.code).toBe('unreachable');
    expect(failure.message).toMatch(/^Keystone at http:\/\/keystone\.invalid:5000 cannot be reached: /);
  });

  it('answers with something else than HTTP', async () => {
    const server = createServer((socket) => socket.end('SSH-2.0-OpenSSH_9.2p1\r\n'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : null;
    const failure = await caught(connect(configOf(`http://127.0.0.1:${port}/v3`), surroundings()));
    expect(failure).toMatchObject({ code: 'malformed', message: expect.stringContaining('is not HTTP') });
    expect(JSON.stringify(failure.cause)).not.toContain('rawPacket');
  });
});

describe('answers that are too much', () => {
  it('are cut off', async () => {
    const flood: Fault = (_seen, raw) => {
      raw.writeHead(200, { 'content-type': 'application/json' });
      const pour = () => {
        while (!raw.destroyed && raw.write(Buffer.alloc(1 << 20, 32)));
      };
      raw.on('drain', pour);
      pour();
      return 'handled';
    };
    const { client } = await clientOf(failing(1, flood));
    expect(await caught(client.listComputeServices())).toMatchObject({
      code: 'malformed',
      message: expect.stringContaining('sent more than'),
    });
  });
});

describe('what the cloud says when it refuses', () => {
  const html =
    '<html><head><title>404 Not Found</title></head><body><h1>404 Not Found</h1>No image &lt;x&gt;.<br /></body></html>';
  it.each([
    [
      400,
      { badRequest: { code: 400, message: 'Compute service of compute-1 is still in use.' } },
      'Compute service of compute-1 is still in use',
    ],
    [
      409,
      { conflictingRequest: { code: 409, message: "Cannot 'evacuate' instance x" } },
      "Cannot 'evacuate' instance x",
    ],
    [
      406,
      { computeFault: { code: 406, message: 'Version 2.95 is not supported by the API.' } },
      'Version 2.95 is not supported by the API',
    ],
    [403, { error: { code: 403, title: 'Forbidden', message: 'not you' } }, 'not you'],
    [400, { errors: [{ status: 400, title: 'Bad', detail: 'more to say' }] }, 'more to say'],
    [
      400,
      {
        message: 'The server is currently unavailable.<br /><br />\nThe Keystone service is gone.\n\n',
        code: '400 Bad',
        title: 'Bad',
      },
      'The server is currently unavailable. The Keystone service is gone',
    ],
    [404, html, '404 Not Found No image <x>'],
    [400, 'plain words\nand more', 'plain words and more'],
    [400, 'two\u001b[31m lines\r\nforged', 'two [31m lines forged'],
  ])('%i %j', async (code, body, words) => {
    const one = await cloud({
      answer: (seen) =>
        seen.path.endsWith('/action')
          ? { status: code, headers: { 'x-compute-request-id': 'req-7' }, body }
          : null,
    });
    const client = await connect(one.config, surroundings());
    const failure = await caught(evacuate(client));
    expect(failure.message).toBe(`Nova refused to evacuate server s-1: ${words} (HTTP ${code}, req-7)`);
    expect(failure.requestId).toBe('req-7');
  });

  it.each(['<head '.repeat(1_000_000), '<a'.repeat(2_000_000), { message: '<a'.repeat(2_000_000) }])(
    'does not take long to read, whatever it is (%#)',
    async (body) => {
      const { client } = await clientOf(failing(1, () => ({ status: 400, body })));
      const started = Date.now();
      await caught(evacuate(client));
      expect(Date.now() - started).toBeLessThan(2_000);
    },
  );

  it('is bounded, and may be nothing', async () => {
    const { client } = await clientOf(failing(1, () => ({ status: 400, body: 'x'.repeat(100_000) })));
    expect((await caught(evacuate(client))).message.length).toBeLessThan(500);
    const { client: other } = await clientOf(failing(1, () => ({ status: 400, body: '' })));
    expect((await caught(evacuate(other))).message).toBe('Nova refused to evacuate server s-1 (HTTP 400)');
    const { client: third } = await clientOf(failing(1, () => ({ status: 400, body: { odd: [] } })));
    expect((await caught(evacuate(third))).message).toBe('Nova refused to evacuate server s-1 (HTTP 400)');
  });
});

describe('a success that is none', () => {
  it.each([
    ['<html>login</html>', /a body that is not JSON \(text\/html\) when asked to list the compute services$/],
    ['', /a body that is empty when asked to list the compute services$/],
    ['{"services": ', /not JSON/],
    [{}, /services is missing, a list was expected$/],
    [[], /the body is a list, an object was expected$/],
    [{ services: { a: 1 } }, /services is an object, a list was expected$/],
  ])('%j is malformed and not asked for again', async (body, message) => {
    const { one, client } = await clientOf(
      failing(1, () => ({ headers: { 'content-type': 'text/html' }, body })),
    );
    const failure = await caught(client.listComputeServices());
    expect(failure).toMatchObject({
      code: 'malformed',
      status: 200,
      message: expect.stringMatching(message),
    });
    expect(one.calls()).toHaveLength(1);
  });
});

async function unusedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** A cloud behind a socket that can be closed for good, or fall silent, in the middle of a test. */
async function stoppable(options: CloudOptions = {}) {
  const one = await cloud(options);
  const sockets = new Set<Socket>();
  let silent = false;
  const front = createServer((socket) => {
    sockets.add(socket.on('error', () => socket.destroy()));
    if (silent) return;
    const back = dial(one.port, '127.0.0.1');
    sockets.add(back.on('error', () => back.destroy()));
    socket.pipe(back).pipe(socket);
  });
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    front.close();
  });
  const address = front.address();
  const scheme = options.tls === undefined ? 'http' : 'https';
  const url = `${scheme}://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  const behind = await cloud({
    catalogue: () => [
      { type: 'compute', endpoints: [{ interface: 'internal', region: 'one', url: `${url}/v2.1` }] },
    ],
  });
  const cut = async () => {
    for (const socket of sockets) socket.destroy();
    // Our side has to have seen the connection end; a connection that is kept would be tried first.
    await new Promise((resolve) => setTimeout(resolve, 50));
  };
  return {
    config: behind.config,
    stall: async () => {
      silent = true;
      await cut();
    },
    stop: async () => {
      front.close();
      await cut();
    },
  };
}
