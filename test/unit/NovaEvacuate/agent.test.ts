import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { lockNode } from '../../../agents/NovaEvacuate/lock.ts';
import { run } from '../../../agents/NovaEvacuate/main.ts';
import { StateFiles } from '../../../agents/NovaEvacuate/state.ts';
import { capture } from '../ocf/testAgent.ts';

/** The agent in this process, over the simulated tools of Pacemaker; no cloud answers. */
const simulator = fileURLToPath(new URL('../../simulators/attrd/', import.meta.url));
let dir = '';

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'NovaEvacuate-'));
  mkdirSync(join(dir, 'cluster'));
  execFileSync(join(simulator, 'new-cluster'), [join(dir, 'cluster'), 'ctl0', 'comp0', 'comp1'], {
    env: { VERSION: '2.1.5', PATH: '/bin:/usr/bin' },
  });
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const tool = (name: string, ...args: string[]) =>
  execFileSync(join(dir, 'cluster', 'bin', name), args, { env: { PATH: '/bin:/usr/bin' }, encoding: 'utf8' });
const setMark = (host: string, value: string) =>
  tool('attrd_updater', '-n', 'evacuate', '-N', host, '-p', '-U', value);
const marks = () => tool('attrd_updater', '--query', '--all', '--name=evacuate');

function environment(more: Record<string, string> = {}): Record<string, string> {
  return {
    PATH: `${join(dir, 'cluster', 'bin')}:/bin:/usr/bin`,
    HA_RSCTMP: join(dir, 'state'),
    HA_LOGFILE: join(dir, 'log'),
    OCF_ROOT: '/usr/lib/ocf',
    OCF_RA_VERSION_MAJOR: '1',
    OCF_RESOURCE_INSTANCE: 'nova-evacuate',
    OCF_RESKEY_CRM_meta_on_node: 'ctl0',
    OCF_RESKEY_CRM_meta_interval: '10000',
    OCF_RESKEY_CRM_meta_timeout: '20000',
    OCF_RESKEY_crm_feature_set: '3.16.1',
    // Nobody listens on the discard port.
    OCF_RESKEY_auth_url: 'http://127.0.0.1:9/v3',
    OCF_RESKEY_username: 'admin',
    OCF_RESKEY_password: 's3cr3t-word',
    OCF_RESKEY_tenant_name: 'admin',
    OCF_RESKEY_event_log: join(dir, 'evacuations.jsonl'),
    ...more,
  };
}

async function act(action: string, more: Record<string, string> = {}) {
  const io = capture();
  const code = await run([action], environment(more), io);
  return {
    code,
    out: io.out(),
    reason: /^ocf-exit-reason:(.*)$/m.exec(io.err())?.[1] ?? null,
    err: io.err(),
  };
}

const log = () => (existsSync(join(dir, 'log')) ? readFileSync(join(dir, 'log'), 'utf8') : '');

describe('start, stop, monitor', () => {
  test('a resource that is not started is not running, whatever its parameters', async () => {
    expect((await act('monitor')).code).toBe(7);
    expect((await act('monitor', { OCF_RESKEY_auth_url: '' })).code).toBe(7);
  });

  test('started, it runs; stopped, it does not; both may be repeated', async () => {
    for (const action of ['start', 'start']) expect((await act(action)).code).toBe(0);
    expect(await act('monitor')).toEqual({ code: 0, out: '', reason: null, err: '' });
    expect(existsSync(join(dir, 'state', 'nova-evacuate.active'))).toBe(true);
    for (const action of ['stop', 'stop']) expect((await act(action)).code).toBe(0);
    expect((await act('monitor')).code).toBe(7);
    expect(log()).toBe('');
  });

  test('a missing parameter is named, with 6; stop needs none', async () => {
    await act('start');
    for (const action of ['start', 'monitor', 'validate-all']) {
      expect(await act(action, { OCF_RESKEY_password: '' })).toMatchObject({
        code: 6,
        reason: 'password not configured',
      });
    }
    expect((await act('stop', { OCF_RESKEY_password: '', OCF_RESKEY_auth_url: '' })).code).toBe(0);
  });

  test('two resources on one node do not share their files', async () => {
    await act('start');
    expect((await act('monitor', { OCF_RESOURCE_INSTANCE: 'another' })).code).toBe(7);
  });

  test('an idle monitor changes nothing and needs no cloud', async () => {
    await act('start');
    setMark('comp0', '');
    const before = readFileSync(join(dir, 'cluster', 'state', 'calls'), 'utf8').split('\n').length;
    expect(await act('monitor')).toMatchObject({ code: 0, reason: null });
    const calls = readFileSync(join(dir, 'cluster', 'state', 'calls'), 'utf8')
      .split('\n')
      .slice(before - 1);
    expect(calls.filter((call) => call !== '').sort()).toEqual([
      'attrd_updater --query --all --name=evacuate --output-as=xml',
      expect.stringMatching(/^cibadmin -Q --xpath \/cib\/configuration\/nodes \| /),
    ]);
  });
});

describe('validate-all', () => {
  test.each([
    [{ OCF_RESKEY_auth_url: 'keystone:5000' }, 6, /^auth_url is not an http or https address/],
    [{ OCF_RESKEY_endpoint_type: 'internal' }, 6, /^endpoint_type is "internal"; it must be one of/],
    [{ OCF_RESKEY_cacert: '/no/such/file' }, 5, /^The file \/no\/such\/file of cacert cannot be read$/],
    [{ OCF_RESKEY_cloud: 'nosuch' }, 6, /nosuch/],
    [{ OCF_RESKEY_concurrency: '0' }, 6, /^concurrency is "0"; it must be at least 1/],
    [{ OCF_RESKEY_evacuate_delay: 'soon' }, 6, /^evacuate_delay is "soon"; it must be a whole number/],
    [{ OCF_RESKEY_application_credential_id: 'x' }, 6, /^application_credential_secret not configured/],
  ])('%j: %d', async (more, code, reason) => {
    const yaml = join(dir, 'clouds.yaml');
    writeFileSync(yaml, 'clouds: {}\n');
    const result = await act('validate-all', { OS_CLIENT_CONFIG_FILE: yaml, ...more });
    expect(result.reason).toMatch(reason);
    expect(result.code).toBe(code);
    expect(result.err + log()).not.toContain('s3cr3t-word');
  });

  test('with what deployments configure: 0, nothing said, nobody asked', async () => {
    const more = {
      OCF_RESKEY_user_domain: 'Default',
      OCF_RESKEY_project_domain: 'Default',
      OCF_RESKEY_region_name: 'regionOne',
      OCF_RESKEY_no_shared_storage: 'true',
      OCF_RESKEY_evacuate_delay: '30',
      OCF_RESKEY_domain: 'localdomain',
    };
    expect(await act('validate-all', more)).toEqual({ code: 0, out: '', reason: null, err: '' });
  });
});

describe('what an operator sees when something is wrong', () => {
  test('no cluster on this machine: degraded where Pacemaker understands it, else 0, the reason said', async () => {
    await act('start');
    const PATH = '/bin:/usr/bin';
    if (existsSync('/usr/sbin/attrd_updater')) return;
    const degraded = await act('monitor', { PATH });
    expect(degraded).toMatchObject({
      code: 190,
      reason:
        'marks cannot be read, so nothing is evacuated until the next pass can: attrd_updater is not installed on this machine (not found on PATH)',
    });
    expect((await act('monitor', { PATH, OCF_RESKEY_crm_feature_set: '3.0.14' })).code).toBe(0);
    expect((await act('monitor', { PATH, OCF_RESKEY_CRM_meta_interval: '0' })).code).toBe(0);
  });

  test('no cloud: the mark is kept, the reason is one sentence without the password', async () => {
    await act('start');
    setMark('comp0', 'yes');
    const result = await act('monitor', { OCF_RESKEY_CRM_meta_timeout: '2000' });
    expect(result.code).toBe(190);
    expect(result.reason).toMatch(
      /^evacuations are held up: .*127\.0\.0\.1:9.*; marks are kept and the next pass tries again\.$/,
    );
    expect(marks()).toContain('host="comp0" value="yes"');
    expect(result.err + log()).not.toMatch(/s3cr3t-word|\n\s+at /);
  });

  test('a mark that means nothing is named once, and left alone', async () => {
    await act('start');
    setMark('comp0', 'maybe');
    for (let round = 0; round < 3; round += 1) expect((await act('monitor')).code).toBe(0);
    expect(marks()).toContain('value="maybe"');
    expect(log().match(/The mark of comp0 reads "maybe"/g)).toHaveLength(1);
    setMark('comp0', 'perhaps');
    await act('monitor');
    expect(log()).toContain('The mark of comp0 reads "perhaps"');
  });

  test("an operator's no reaches the permanent copy", async () => {
    await act('start');
    tool('crm_attribute', '-N', 'comp0', '-n', 'evacuate', '-v', 'yes', '-l', 'forever');
    setMark('comp0', 'no');
    expect((await act('monitor', { OCF_RESKEY_release: 'off' })).code).toBe(0);
    expect(tool('crm_attribute', '-N', 'comp0', '-n', 'evacuate', '-G', '-q', '-l', 'forever')).toContain(
      'no',
    );
  });

  test('a no that cannot be written is no crash', async () => {
    await act('start');
    tool('crm_attribute', '-N', 'comp0', '-n', 'evacuate', '-v', 'yes', '-l', 'forever');
    setMark('comp0', 'no');
    rmSync(join(dir, 'cluster', 'bin', 'crm_attribute'));
    writeFileSync(join(dir, 'cluster', 'bin', 'crm_attribute'), '#!/bin/sh\necho "refused" >&2\nexit 4\n');
    chmodSync(join(dir, 'cluster', 'bin', 'crm_attribute'), 0o755);
    const result = await act('monitor');
    expect(result.code).toBe(190);
    expect(result.reason).toMatch(
      /setting permanent attribute evacuate of comp0 failed: crm_attribute ended with 4: refused/,
    );
  });
});

describe('one pass at a time on a node', () => {
  test('the lock is held until it is released, per place, however long its name', async () => {
    const place = `${dir}/${'deep/'.repeat(40)}`;
    const first = await lockNode('test', place);
    expect(first).not.toBeNull();
    expect(await lockNode('test', place)).toBeNull();
    const other = await lockNode('test', `${place}other`);
    expect(other).not.toBeNull();
    other?.release();
    first?.release();
    await expect
      .poll(async () => {
        const again = await lockNode('test', place);
        again?.release();
        return again !== null;
      })
      .toBe(true);
  });

  test('a second monitor leaves the work to the first', async () => {
    await act('start');
    setMark('comp0', 'yes');
    const lock = await lockNode('NovaEvacuate', join(dir, 'state'));
    expect(await act('monitor')).toMatchObject({ code: 0, reason: null });
    expect(log()).toContain('Another pass of NovaEvacuate is at work on this node');
    lock?.release();
  });
});

describe('the files of a resource', () => {
  const files = () => new StateFiles({ stateDir: join(dir, 'deep', 'state'), instance: 'x' });

  test('are made with their directory, readable by their owner alone', async () => {
    const state = files();
    expect(await state.isActive()).toBe(false);
    expect(await state.readHints()).toBe('');
    await state.activate();
    state.writeHints('{"a":1}');
    expect([await state.isActive(), await state.readHints()]).toEqual([true, '{"a":1}']);
    for (const name of ['x.active', 'x.hints']) {
      expect(statSync(join(dir, 'deep', 'state', name)).mode & 0o077).toBe(0);
    }
    await state.deactivate();
    expect([await state.isActive(), await state.readHints()]).toEqual([false, '']);
  });

  test('hints are replaced whole: a killed writer leaves the old ones', async () => {
    const state = files();
    await state.activate();
    state.writeHints('old');
    writeFileSync(join(dir, 'deep', 'state', 'x.hints.new'), 'half of the n');
    expect(await state.readHints()).toBe('old');
    state.writeHints('new');
    expect(await state.readHints()).toBe('new');
  });
});
