import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { crashLoop, withStart } from '../../../agents/NovaCompute/crashLoop.ts';
import type { Found } from '../../../agents/NovaCompute/novaCompute.ts';
import { StateFiles } from '../../../agents/NovaCompute/state.ts';

const now = 1_000_000_000;
let directory: string;
let files: StateFiles;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'crash-'));
  files = new StateFiles({ stateDir: directory, instance: 'nova-compute' });
});
afterEach(() => rmSync(directory, { recursive: true }));

function seen(since: number | null): Found {
  const runtime = {
    title: 'unit nova-compute.service',
    lastLines: async () => ['ERROR bus gone'],
  } as unknown as Found['runtime'];
  return { runtime, state: { kind: 'running', since, sentence: 'It runs.' } };
}
const look = (since: number | null, at = now) => crashLoop(files, seen(since), at);

describe('a nova-compute that something restarts', () => {
  test('the same one at every look is none', async () => {
    for (let at = 0; at < 10; at += 1) {
      // The kernel's clock of the boot jitters by a second.
      expect(await look(now - 60_000 + (at % 2) * 1_000, now + at * 10_000)).toBeNull();
    }
  });

  test('one restart (an operator after a change of nova.conf) is none', async () => {
    expect(await look(now - 60_000)).toBeNull();
    expect(await look(now - 5_000)).toBeNull();
  });

  test('from the second on it is said with its last words, from the fifth on it fails', async () => {
    const verdicts = [];
    for (let at = 0; at <= 5; at += 1)
      verdicts.push(await look(now + at * 20_000 - 3_000, now + at * 20_000));
    expect(verdicts.map((each) => each?.failed ?? null)).toEqual([null, null, false, false, false, true]);
    expect(verdicts[2]?.sentence).toBe(
      'nova-compute has ended 2 times in 10 minutes, and something beside the cluster started it again (unit nova-compute.service): ERROR bus gone',
    );
  });

  test('restarts of a quarter of an hour ago count no more; stop forgets all', async () => {
    for (let at = 0; at <= 4; at += 1) await look(now + at * 20_000, now + at * 20_000);
    expect(await look(now + 900_000, now + 900_000)).toBeNull();
    await look(now + 910_000, now + 910_000);
    files.forget();
    expect(await look(now + 920_000, now + 920_000)).toBeNull();
  });

  test('where nobody tells when it was started, nothing is concluded', async () => {
    for (let at = 0; at < 9; at += 1) expect(await look(null, now + at)).toBeNull();
  });
});

test('a start that is older than the window stays known while it runs', () => {
  expect(withStart([now - 9_000_000], now - 9_000_000, now)).toEqual([now - 9_000_000]);
});
