import { connect, type NovaClient, serverId } from '@openstack-ts/nova-client';
import { describe, expect, it } from 'vitest';
import { type Plainly, plainly } from '../names.ts';
import { type Cloud, cloud, type Reply, type Seen, surroundings } from './loopback.ts';

async function at(
  max: string,
  answer: (seen: Seen) => Reply | 'handled' | null,
): Promise<{ one: Cloud; nova: Plainly<NovaClient> }> {
  const one = await cloud({ version: { min: '2.1', max }, answer: (seen) => answer(seen) });
  return { one, nova: plainly(await connect(one.config, surroundings())) };
}

/** Diagnostics as Nova 26 answers them, and everything else as the cloud does. */
const diagnostics = (reply: Reply) => (seen: Seen) => (seen.path.endsWith('/diagnostics') ? reply : null);
const refused = (message: string, status = 409): Reply => ({
  status,
  body: { [status === 409 ? 'conflictingRequest' : 'computeFault']: { code: status, message } },
});

describe('whether a guest runs', () => {
  it.each([
    ['2.48', { state: 'running', driver: 'libvirt', num_cpus: 1 }, true],
    ['2.93', { state: 'shutdown', driver: 'libvirt', num_cpus: 1 }, false],
    ['2.93', { state: 'crashed' }, false],
    ['2.47', { cpu0_time: 17300000000, memory: 524288 }, true],
    ['2.1', {}, true],
  ])('is what the hypervisor says of it (%s, %j)', async (max, body, runs) => {
    const { one, nova } = await at(max, diagnostics({ body }));
    expect(await nova.isGuestRunning('s-1')).toBe(runs);
    expect(one.calls()).toEqual(['GET /v2.1/servers/s-1/diagnostics']);
  });

  it.each(['shutdown', 'running', 'pending', 'crashed', 'paused'])(
    'is no where Nova refuses for its power state, whatever state it names (%s)',
    async (state) => {
      const message = `Cannot 'get_diagnostics' instance s-1 while it is in power state ${state}`;
      const { one, nova } = await at('2.93', diagnostics(refused(message)));
      expect(await nova.isGuestRunning('s-1')).toBe(false);
      expect(one.calls()).toHaveLength(1);
    },
  );

  it.each([
    [refused('Instance s-1 is not ready'), 'conflict'],
    [refused('Instance s-1 could not be found.', 404), 'notFound'],
    [refused("Policy doesn't allow os_compute_api:os-server-diagnostics to be performed.", 403), 'forbidden'],
    [refused('in power state shutdown, says somebody who is not Nova', 400), 'badRequest'],
    [refused('The requested functionality is not supported.', 501), 'serverError'],
    [
      refused("Unexpected API Error. <class 'oslo_messaging.exceptions.MessagingTimeout'>", 500),
      'serverError',
    ],
    [{ body: [] }, 'malformed'],
  ])('is not known where Nova answers anything else: %j', async (reply, code) => {
    const { nova } = await at('2.93', diagnostics(reply));
    await expect(nova.isGuestRunning('s-1')).rejects.toMatchObject({ code });
  });
});

describe('a server in its place', () => {
  it('is rebooted, started, stopped and reset by actions', async () => {
    const { one, nova } = await at('2.93', (seen) =>
      seen.method === 'POST' && seen.path.endsWith('/action')
        ? { status: 202, headers: { 'x-compute-request-id': 'req-1' }, body: '' }
        : null,
    );
    expect(await nova.rebootServer('s-1', 'HARD')).toEqual({ requestId: 'req-1' });
    expect(await nova.startServer('s-1')).toEqual({ requestId: 'req-1' });
    expect(await nova.stopServer('s-1')).toEqual({ requestId: 'req-1' });
    expect(await nova.resetServerState('s-1', 'active')).toEqual({ requestId: 'req-1' });
    await nova.resetServerState('s-1', 'error');
    const sent = one.seen.slice(2).map((seen) => [`${seen.method} ${seen.path}`, JSON.parse(seen.body)]);
    expect(sent).toEqual([
      ['POST /v2.1/servers/s-1/action', { reboot: { type: 'HARD' } }],
      ['POST /v2.1/servers/s-1/action', { 'os-start': null }],
      ['POST /v2.1/servers/s-1/action', { 'os-stop': null }],
      ['POST /v2.1/servers/s-1/action', { 'os-resetState': { state: 'active' } }],
      ['POST /v2.1/servers/s-1/action', { 'os-resetState': { state: 'error' } }],
    ]);
  });

  it.each([
    ['reboot', (nova: NovaClient) => nova.rebootServer(serverId('s-1'), 'HARD')],
    ['start', (nova: NovaClient) => nova.startServer(serverId('s-1'))],
    ['stop', (nova: NovaClient) => nova.stopServer(serverId('s-1'))],
    ['reset', (nova: NovaClient) => nova.resetServerState(serverId('s-1'), 'active')],
  ])('is asked once to %s, even when the answer is lost', async (_name, ask) => {
    const one = await cloud({
      answer: (seen, _raw, socket) => {
        if (!seen.path.endsWith('/action')) return null;
        socket.resetAndDestroy();
        return 'handled';
      },
    });
    const nova = await connect(one.config, surroundings());
    await expect(ask(nova)).rejects.toMatchObject({ code: 'connectionLost', unanswered: true });
    expect(one.calls()).toHaveLength(1);
  });

  it('is asked once where Nova fails, too', async () => {
    const { one, nova } = await at('2.93', (seen) =>
      seen.path.endsWith('/action') ? refused('not now', 503) : null,
    );
    await expect(nova.rebootServer('s-1', 'HARD')).rejects.toMatchObject({ code: 'serverError' });
    expect(one.calls()).toHaveLength(1);
  });

  it('says what it is in that does not allow it', async () => {
    const message = "Cannot 'start' instance s-1 while it is in vm_state active";
    const { nova } = await at('2.93', (seen) => (seen.path.endsWith('/action') ? refused(message) : null));
    await expect(nova.startServer('s-1')).rejects.toMatchObject({
      code: 'conflict',
      unanswered: false,
      message: `Nova refused to start server s-1: ${message} (HTTP 409)`,
    });
  });
});

describe('what was done to a server', () => {
  const action = (more: Record<string, unknown> = {}) => ({
    action: 'stop',
    instance_uuid: 's-1',
    request_id: 'req-1',
    user_id: '77b719db1a9a4e078f6739eb67da8728',
    project_id: '6ed5c9b5bd574ec68fc1d93c9a4cc779',
    start_time: '2026-11-21T02:27:30.000000',
    message: null,
    updated_at: '2026-11-21T02:27:31.000000',
    ...more,
  });
  const listed = (instanceActions: unknown[]) => (seen: Seen) =>
    seen.path.endsWith('/os-instance-actions') ? { body: { instanceActions } } : null;

  it('comes newest first, in the order of Nova within a second', async () => {
    const { one, nova } = await at(
      '2.93',
      listed([
        action({ user_id: null, request_id: 'req-2' }),
        action({ action: 'create', message: 'Error', start_time: '2026-11-21T02:27:00.000000' }),
        action({ action: 'reboot', start_time: '2026-11-21T02:27:30.000000' }),
        action({ action: 'evacuate', start_time: '2026-11-21T02:28:00.000000' }),
      ]),
    );
    const actions = await nova.listActions('s-1');
    expect(actions.map((each) => each.action)).toEqual(['evacuate', 'stop', 'reboot', 'create']);
    expect(actions[1]).toEqual({
      action: 'stop',
      startedAt: Date.UTC(2026, 10, 21, 2, 27, 30),
      userId: null,
      requestId: 'req-2',
      message: null,
    });
    expect(actions[3]).toMatchObject({ userId: '77b719db1a9a4e078f6739eb67da8728', message: 'Error' });
    expect(one.calls()).toEqual(['GET /v2.1/servers/s-1/os-instance-actions']);
  });

  it('of a wrong shape is an error that names the field', async () => {
    const { nova } = await at('2.93', listed([action({ start_time: 'yesterday' })]));
    await expect(nova.listActions('s-1')).rejects.toMatchObject({
      code: 'malformed',
      message: expect.stringContaining('instanceActions[0].start_time is the string "yesterday"'),
    });
  });
});

describe('what became of a request', () => {
  it('is read step by step, oldest first, whoever is named or not', async () => {
    const events = [
      {
        event: 'compute_rebuild_instance',
        start_time: '2026-11-21T02:27:28.000000',
        finish_time: null,
        result: null,
        traceback: null,
        host: 'comp1',
      },
      {
        event: 'rebuild_server',
        start_time: '2026-11-21T02:27:26.000000',
        finish_time: '2026-11-21T02:27:27.000000',
        result: 'Success',
        traceback: null,
      },
    ];
    const { one, nova } = await at('2.93', (seen) =>
      seen.path.includes('/os-instance-actions/') ? { body: { instanceAction: { events } } } : null,
    );
    const second = (seconds: number) => Date.UTC(2026, 10, 21, 2, 27, seconds);
    expect(await nova.listActionEvents('s-1', 'req-1')).toEqual([
      {
        event: 'rebuild_server',
        startedAt: second(26),
        finishedAt: second(27),
        result: 'Success',
        host: null,
      },
      {
        event: 'compute_rebuild_instance',
        startedAt: second(28),
        finishedAt: null,
        result: null,
        host: 'comp1',
      },
    ]);
    expect(one.calls()).toEqual(['GET /v2.1/servers/s-1/os-instance-actions/req-1']);
  });

  it('is not told where Nova leaves the steps out: that is not that there are none', async () => {
    const { nova } = await at('2.50', (seen) =>
      seen.path.includes('/os-instance-actions/') ? { body: { instanceAction: {} } } : null,
    );
    await expect(nova.listActionEvents('s-1', 'req-1')).rejects.toMatchObject({ code: 'malformed' });
  });
});

describe('moves of a server', () => {
  it('are all its migrations but evacuations, oldest first', async () => {
    const record = (id: number, type: string, status: string) => ({
      id,
      uuid: `m-${id}`,
      instance_uuid: 's-1',
      migration_type: type,
      status,
      source_compute: 'comp0',
      dest_compute: 'comp1',
      created_at: `2026-11-21T02:27:0${id}.000000`,
      updated_at: null,
    });
    const migrations = [
      record(3, 'live-migration', 'running'),
      record(2, 'evacuation', 'done'),
      record(1, 'resize', 'confirmed'),
    ];
    const { one, nova } = await at('2.93', (seen) =>
      seen.path.startsWith('/v2.1/os-migrations') ? { body: { migrations } } : null,
    );
    expect(await nova.listMoves('s-1')).toMatchObject([
      { id: 'm-1', kind: 'resize', status: 'confirmed' },
      { id: 'm-3', kind: 'live-migration', status: 'running', sourceHost: 'comp0', destHost: 'comp1' },
    ]);
    expect(one.calls()).toEqual(['GET /v2.1/os-migrations?instance_uuid=s-1']);
  });
});
