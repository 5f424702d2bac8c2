import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { novaHost } from '@openstack-ts/nova-client';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { lockNode } from '../../../agents/NovaEvacuate/lock.ts';
import { run } from '../../../agents/NovaEvacuate/main.ts';
import { isNothingOpen, StateFiles } from '../../../agents/NovaEvacuate/state.ts';
import { markName } from '../../../lib/attrd/index.ts';
import { formatHints, Hints, newHostHints } from '../../../lib/evacuation/index.ts';
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
    [{ OCF_RESKEY_include: 'colour=red' }, 6, /^include: /],
    [{ OCF_RESKEY_priority: 'project=gold:1001' }, 6, /^priority: /],
    [{ OCF_RESKEY_other_states: 'reset' }, 6, /^other_states is "reset"; it must be one of leave, recover$/],
    [{ OCF_RESKEY_max_failed_percent: '101' }, 6, /^max_failed_percent is "101"; it must be at least 1 and/],
    [{ OCF_RESKEY_log_format: 'xml' }, 6, /^log_format is "xml"/],
    [
      { OCF_RESKEY_event_log: 'evacuations' },
      6,
      /^event_log is "evacuations"; it must be an absolute path or none$/,
    ],
    [{ OCF_RESKEY_metrics_dir: 'textfile' }, 6, /^metrics_dir is "textfile"; it must be an absolute path$/],
    [{ OCF_RESKEY_alert: 'page me' }, 6, /^alert is "page me"; it must be an absolute path$/],
    [
      { OCF_RESKEY_event_log: '/no/such/log' },
      5,
      /^event_log \/no\/such\/log cannot be used on this machine \(ENOENT: /,
    ],
    [{ OCF_RESKEY_event_log: '/tmp' }, 5, /^event_log \/tmp is no plain file$/],
    [
      { OCF_RESKEY_metrics_dir: '/no/such' },
      5,
      /^metrics_dir \/no\/such cannot be used on this machine \(ENOENT: /,
    ],
    [{ OCF_RESKEY_metrics_dir: '/etc/passwd' }, 5, /^metrics_dir \/etc\/passwd is no directory$/],
    [{ OCF_RESKEY_alert: '/no/such' }, 5, /^alert \/no\/such cannot be used on this machine \(ENOENT: /],
    [{ OCF_RESKEY_alert: '/tmp' }, 5, /^alert \/tmp is no program$/],
    [
      { OCF_RESKEY_alert: '/etc/passwd' },
      5,
      /^alert \/etc\/passwd cannot be used on this machine \(EACCES: /,
    ],
  ])('%j: %d', async (more, code, reason) => {
    const yaml = join(dir, 'clouds.yaml');
    writeFileSync(yaml, 'clouds: {}\n');
    const result = await act('validate-all', { OS_CLIENT_CONFIG_FILE: yaml, ...more });
    expect(result.reason).toMatch(reason);
    expect(result.code).toBe(code);
    expect(result.err + log()).not.toContain('s3cr3t-word');
  });

  test('what only reports lack on this machine does not keep it from starting; a wrong value does', async () => {
    const here = { OCF_RESKEY_alert: '/no/such', OCF_RESKEY_metrics_dir: '/no/such/dir' };
    expect(await act('start', here)).toMatchObject({ code: 0, reason: null });
    expect(log()).toMatch(/WARNING: alert \/no\/such cannot be used .*; evacuations go on without it\./);
    expect(log()).toMatch(/WARNING: metrics_dir \/no\/such\/dir cannot be used/);
    expect((await act('monitor', here)).code).toBe(0);
    expect((await act('start', { OCF_RESKEY_alert: 'page' })).code).toBe(6);
    expect((await act('start', { OCF_RESKEY_exclude: 'colour=red' })).code).toBe(6);
  });

  test('the default event log needs no directory, none and absolute paths that are there are fine', async () => {
    mkdirSync(join(dir, 'metrics'));
    for (const more of [
      { OCF_RESKEY_event_log: '' },
      { OCF_RESKEY_event_log: 'none' },
      { OCF_RESKEY_metrics_dir: join(dir, 'metrics'), OCF_RESKEY_alert: '/bin/true' },
    ]) {
      expect(await act('validate-all', more)).toMatchObject({ code: 0, reason: null });
    }
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
    expect(log().match(/marks cannot be read/g)).toHaveLength(1);
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
    const cibadmin = join(dir, 'cluster', 'bin', 'cibadmin');
    mkdirSync(join(dir, 'cluster', 'real'));
    renameSync(cibadmin, join(dir, 'cluster', 'real', 'cibadmin'));
    writeFileSync(
      cibadmin,
      '#!/bin/sh\ncase $1 in --modify) echo "refused" >&2; exit 4 ;; esac\nexec "$(dirname "$0")/../real/cibadmin" "$@"\n',
    );
    chmodSync(cibadmin, 0o755);
    const sentence =
      /the permanent copy of the mark of comp0 is not "no" yet: changing the permanent mark of comp0 failed: cibadmin ended with 4: refused; the next pass tries again\./;
    // Its release needs the cloud, and goes on all the same.
    const result = await act('monitor');
    expect(result).toMatchObject({ code: 190, reason: expect.stringContaining('cannot be reached') });
    expect(log()).toMatch(sentence);
    // With nothing else to do it is what is shown; it is logged once.
    const idle = await act('monitor', { OCF_RESKEY_release: 'off' });
    expect(idle).toMatchObject({ code: 190, reason: expect.stringMatching(sentence) });
    expect(log().match(new RegExp(sentence, 'g'))).toHaveLength(1);
  });
});

describe('a pause is visible while it lasts, though no host waits for it', () => {
  const property = ['--type', 'crm_config', '--name', 'evacuation'];
  const node = (name: string, ...args: string[]) =>
    tool('crm_attribute', '-N', name, '-n', 'evacuation', '-l', 'forever', ...args);
  const times = (text: string) => log().split(text).length - 1;

  test('of the cluster: told with what ends it, logged once, taken back', async () => {
    await act('start');
    tool('crm_attribute', ...property, '--update', 'pause');
    const reason =
      'evacuations are paused: cluster property evacuation=pause; to end it: crm_attribute -t crm_config -n evacuation -D';
    for (let round = 0; round < 3; round += 1) {
      expect(await act('monitor')).toMatchObject({ code: 190, reason });
    }
    expect(await act('monitor', { OCF_RESKEY_crm_feature_set: '3.0.14' })).toMatchObject({ code: 0, reason });
    expect(times(reason)).toBe(1);
    // The command that it names.
    tool('crm_attribute', '-t', 'crm_config', '-n', 'evacuation', '-D');
    for (let round = 0; round < 2; round += 1) {
      expect(await act('monitor')).toMatchObject({ code: 0, reason: null });
    }
    expect(times('Evacuations are no longer paused.')).toBe(1);
    tool('crm_attribute', ...property, '--update', 'halt');
    expect(await act('monitor')).toMatchObject({
      code: 190,
      reason: expect.stringContaining('cluster property evacuation="halt" counts as pause; to end it'),
    });
  });

  test('of nodes, permanent or transient; other words are no pause', async () => {
    await act('start');
    node('comp0', '-v', 'go');
    tool('crm_attribute', ...property, '--update', 'normal');
    expect(await act('monitor')).toMatchObject({ code: 0, reason: null });
    node('comp1', '-v', 'pause');
    expect((await act('monitor')).reason).toBe(
      'evacuations of comp1 are paused: attribute evacuation=pause; to end it: crm_attribute -N comp1 -n evacuation -D',
    );
    node('comp0', '-v', 'Pause');
    expect((await act('monitor')).reason).toMatch(/^evacuations of comp0 and 1 more are paused: /);
    for (const name of ['comp0', 'comp1']) tool('crm_attribute', '-N', name, '-n', 'evacuation', '-D');
    tool('attrd_updater', '-n', 'evacuation', '-N', 'comp1', '-U', 'pause');
    expect((await act('monitor')).reason).toMatch(/to end it: attrd_updater -n evacuation -N comp1 -D$/);
    tool('attrd_updater', '-n', 'evacuation', '-N', 'comp1', '-D');
    expect(await act('monitor')).toMatchObject({ code: 0, reason: null });
  });

  test('a pause that is begun anew is logged anew', async () => {
    await act('start');
    for (let round = 0; round < 2; round += 1) {
      tool('crm_attribute', ...property, '--update', 'pause');
      await act('monitor');
      tool('crm_attribute', ...property, '--delete');
      await act('monitor');
    }
    expect(times('evacuations are paused')).toBe(2);
  });
});

describe('what a mark that is gone leaves behind', () => {
  const metrics = () => readFileSync(join(dir, 'metrics', 'nova_evacuate_nova-evacuate.prom'), 'utf8');
  const records = () =>
    existsSync(join(dir, 'evacuations.jsonl')) ? readFileSync(join(dir, 'evacuations.jsonl'), 'utf8') : '';

  test('is taken down and reported once, as the incident it was', async () => {
    await act('start');
    mkdirSync(join(dir, 'metrics'));
    const more = { OCF_RESKEY_metrics_dir: join(dir, 'metrics') };
    const incident = { host: novaHost('comp0.example'), fencedAt: Date.UTC(2026, 10, 21) };
    const hints = new Hints([
      [markName('comp0'), { ...newHostHints(0), incident }],
      [markName('comp1'), newHostHints(5)],
    ]);
    hints.said['reason'] = 'something that was open';
    new StateFiles({ stateDir: join(dir, 'state'), instance: 'nova-evacuate' }).writeHints(
      formatHints(hints),
    );
    tool('attrd_updater', '-n', 'evacuation-comp0', '-U', '1/1 done');
    setMark('comp1', 'no');
    for (let round = 0; round < 3; round += 1) {
      expect(await act('monitor', { ...more, OCF_RESKEY_release: 'off' })).toMatchObject({ code: 0 });
    }
    const [record, ...others] = records().trim().split('\n');
    expect(others).toEqual([]);
    expect(JSON.parse(record ?? '')).toMatchObject({
      host: 'comp0.example',
      incident: 'comp0.example@2026-11-21T00:00:00.000Z',
      what: 'released',
    });
    expect(metrics()).toMatch(/^nova_evacuate_queued\S* 0$/m);
    expect(tool('attrd_updater', '--query', '--all', '--name=evacuation-comp0')).toContain('value=""');
    const kept = readFileSync(join(dir, 'state', 'nova-evacuate.hints'), 'utf8');
    expect(Object.keys(JSON.parse(kept).hosts)).toEqual(['comp1']);
    expect(kept).not.toContain('something that was open');
  });

  const cluster = (...args: string[]) =>
    execFileSync(join(simulator, 'sim-cluster'), [join(dir, 'cluster'), ...args], {
      env: { PATH: '/bin:/usr/bin' },
    });

  function rememberComp0(): void {
    const incident = { host: novaHost('comp0'), fencedAt: Date.UTC(2026, 10, 21) };
    const hints = new Hints([[markName('comp0'), { ...newHostHints(0), incident }]]);
    new StateFiles({ stateDir: join(dir, 'state'), instance: 'nova-evacuate' }).writeHints(
      formatHints(hints),
    );
  }

  test('is gone in the same pass though crm_mon fails once', async () => {
    await act('start');
    rememberComp0();
    cluster('fail', 'crm_mon', '1', '1', 'Error');
    expect((await act('monitor')).code).toBe(0);
    expect(records()).toContain('"what":"released"');
  });

  test.each(['no-quorum', 'no-dc', 'pending'])(
    'is gone only where the cluster can tell: %s',
    async (state) => {
      await act('start');
      rememberComp0();
      cluster(state, 'ctl0');
      expect((await act('monitor')).code).toBe(0);
      expect(records()).toBe('');
      cluster(state === 'pending' ? 'online' : state.slice(3), 'ctl0');
      expect((await act('monitor')).code).toBe(0);
      expect(records()).toContain('"what":"released"');
    },
  );
});

describe('a monitor with odd values of what reports go to', () => {
  test('never ends unexpectedly, with a mark or without, and the mark is kept', async () => {
    const file = join(dir, 'file');
    const deep = join(dir, 'gone', 'deep');
    writeFileSync(file, '');
    mkdirSync(join(dir, 'state', 'nova-evacuate.hints'), { recursive: true });
    mkdirSync(join(dir, 'state', 'nova-evacuate.metrics'));
    writeFileSync(join(dir, 'state', 'nova-evacuate.alerts'), 'no directory');
    await act('start');
    for (const path of [file, deep, dir, 'relative', '/dev/null', '/proc/nothing', `/${'x'.repeat(5000)}`]) {
      const more = {
        OCF_RESKEY_event_log: path,
        OCF_RESKEY_metrics_dir: path,
        OCF_RESKEY_alert: path,
        OCF_RESKEY_CRM_meta_timeout: '1000',
      };
      tool('attrd_updater', '-n', 'evacuate', '-N', 'comp0', '-D');
      tool('crm_attribute', '-N', 'comp0', '-n', 'evacuate', '-l', 'forever', '-D');
      expect(await act('monitor', more)).toMatchObject({ code: 0, reason: null });
      setMark('comp0', 'yes');
      expect(await act('monitor', more)).toMatchObject({
        code: 190,
        reason: expect.stringMatching(/^evacuations are held up: /),
      });
    }
    expect(marks()).toContain('host="comp0" value="yes"');
    expect(log()).not.toMatch(/unexpectedly|\n\s+at |node:internal/);
    expect((await act('stop')).code).toBe(0);
  }, 60_000);

  test('a value that no rule allows ends it with 6, with a mark or without', async () => {
    await act('start');
    setMark('comp0', 'yes');
    for (const more of [
      { OCF_RESKEY_include: 'colour=red' },
      { OCF_RESKEY_max_hosts_at_once: '-1' },
      { OCF_RESKEY_concurrency: '1e9' },
      { OCF_RESKEY_max_failed_per_aggregate: '99999999999999999999' },
    ]) {
      expect(await act('monitor', more)).toMatchObject({ code: 6, reason: expect.any(String) });
    }
    expect(marks()).toContain('host="comp0" value="yes"');
  });
});

describe('one pass at a time on a node', () => {
  const locks = () => join(dir, 'state', 'NovaEvacuate.locks');
  const lock = (place = join(dir, 'state')) => lockNode(place, 'NovaEvacuate');
  const held = async (...args: Parameters<typeof lockNode>) => {
    const one = await lockNode(...args);
    if (one.kind !== 'held') throw new Error(`taken by ${one.pid}`);
    return one;
  };

  test('the lock is held until it is released, per place and name, however long they are', async () => {
    const place = join(dir, 'deep/'.repeat(40));
    const name = 'name/'.repeat(100);
    const first = await held(place, name);
    expect(await lockNode(place, name)).toMatchObject({ kind: 'taken', pid: process.pid });
    const others = [await held(place, 'another'), await held(join(dir, 'elsewhere'), name)];
    for (const other of others) other.release();
    first.release();
    (await held(place, name)).release();
    expect(readdirSync(join(place, 'NovaEvacuate.locks'))).toEqual([]);
  });

  test('of many that come at once one at most holds it, at any time', async () => {
    for (let round = 0; round < 5; round += 1) {
      const all = await Promise.all(Array.from({ length: 12 }, () => lock()));
      const holders = all.filter(({ kind }) => kind === 'held');
      expect(holders.length).toBeLessThanOrEqual(1);
      for (const one of holders) if (one.kind === 'held') one.release();
    }
    (await held(join(dir, 'state'), 'NovaEvacuate')).release();
  });

  test('a process that is killed while it holds the lock leaves it free', async () => {
    mkdirSync(locks(), { recursive: true });
    // A socket of our form whose process is gone: nobody listens there.
    const digest = createHash('sha256').update('NovaEvacuate').digest('hex').slice(0, 16);
    const dead = join(locks(), `${digest}-4000000-1-${'a'.repeat(12)}`);
    const script = `require('net').createServer().listen(${JSON.stringify(dead)}, () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', script]);
    expect(lstatSync(dead).isSocket()).toBe(true);
    (await held(join(dir, 'state'), 'NovaEvacuate')).release();
    expect(existsSync(dead)).toBe(false);
  });

  test('its directory is for its owner alone, and what stood open is closed', async () => {
    (await held(join(dir, 'state'), 'NovaEvacuate')).release();
    expect(lstatSync(locks()).mode % 0o1000).toBe(0o700);
    chmodSync(locks(), 0o777);
    (await held(join(dir, 'state'), 'NovaEvacuate')).release();
    expect(lstatSync(locks()).mode % 0o1000).toBe(0o700);
  });

  test.each<[string, (path: string) => void]>([
    ['a link to elsewhere', (path) => symlinkSync(dir, path)],
    ['a file', (path) => writeFileSync(path, '')],
  ])('in the place of its directory is %s: nothing is evacuated, and that is said', async (_, put) => {
    await act('start');
    setMark('comp0', 'yes');
    put(locks());
    const monitor = () => act('monitor');
    expect(await monitor()).toMatchObject({
      code: 190,
      reason: `nothing is evacuated, as passes could run beside each other: The directory of locks ${locks()} cannot be used (it is no directory).`,
    });
    expect(marks()).toContain('host="comp0" value="yes"');
  });

  test('a second monitor leaves the work to the first', async () => {
    await act('start');
    setMark('comp0', 'yes');
    const first = await held(join(dir, 'state'), 'NovaEvacuate');
    expect(await act('monitor')).toMatchObject({ code: 0, reason: null });
    expect(log()).toContain('Another pass of NovaEvacuate is at work on this node');
    first.release();
  });

  test('one that holds it for minutes is shown, with how to end it', async () => {
    await act('start');
    setMark('comp0', 'yes');
    const first = await held(join(dir, 'state'), 'NovaEvacuate');
    const [entry = ''] = readdirSync(locks());
    const [digest, pid, second, random] = entry.split('-');
    renameSync(join(locks(), entry), join(locks(), [digest, pid, Number(second) - 300, random].join('-')));
    const { code, reason } = await act('monitor');
    expect(code).toBe(190);
    expect(reason).toMatch(
      new RegExp(
        `^another pass of NovaEvacuate \\(process ${process.pid}\\) has held the lock of this node since \\d{4}-.*kill -9 ${process.pid}$`,
      ),
    );
    first.release();
  });

  test('whoever binds the name that the lock once had stops nobody', async () => {
    await act('start');
    setMark('comp0', 'yes');
    const digest = createHash('sha256').update(join(dir, 'state')).digest('hex').slice(0, 32);
    const stranger = createServer();
    await new Promise<void>((resolve) => stranger.listen(`\0openstack/NovaEvacuate:${digest}`, resolve));
    await act('monitor');
    expect(log()).not.toContain('Another pass of NovaEvacuate');
    await new Promise((resolve) => stranger.close(resolve));
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

  test('hints of a time when nothing is open need no look', () => {
    const hints = new Hints();
    hints.backOff.until = 7;
    hints.said['alert'] = 'it says "pause": and "reason": of itself';
    expect([isNothingOpen(''), isNothingOpen(formatHints(hints))]).toEqual([true, true]);
    for (const subject of ['reason', 'pause']) {
      const open = new Hints();
      open.said[subject] = 'evacuations are paused';
      expect(isNothingOpen(formatHints(open))).toBe(false);
    }
    expect(isNothingOpen(formatHints(new Hints([[markName('comp0'), newHostHints(0)]])))).toBe(false);
    expect(isNothingOpen('{"comp0":{"firstSeen":5}}')).toBe(false);
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
