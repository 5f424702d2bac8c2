import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { StateFiles, sayOnce } from '../../../agents/NovaCompute/state.ts';

let dir = '';
const files = () => new StateFiles({ stateDir: join(dir, 'state'), instance: 'nova-compute' });

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'NovaCompute-state-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe('what is known of the release', () => {
  test('nothing after a boot; owed, settled, owed again, and forgotten', () => {
    expect(files().release).toBe('unknown');
    expect(files().settledAt).toBeNull();
    files().owe();
    expect(files().release).toBe('owed');
    files().settle();
    expect(files().release).toBe('settled');
    expect(Math.abs((files().settledAt ?? 0) - Date.now())).toBeLessThan(60_000);
    files().owe();
    expect(files().release).toBe('owed');
    expect(files().settledAt).toBeNull();
    files().hold();
    expect(files().release).toBe('held');
    files().owe();
    expect(files().release).toBe('owed');
    files().forget();
    expect(files().release).toBe('unknown');
    expect(() => files().forget()).not.toThrow();
  });

  test('only whoever runs the agent can read or write it', () => {
    files().owe();
    expect(statSync(join(dir, 'state', 'nova-compute.release')).mode & 0o777).toBe(0o600);
  });

  test('a directory that cannot be made throws, so that nothing is started without it', () => {
    writeFileSync(join(dir, 'state'), '');
    expect(() => files().owe()).toThrow();
    expect(() => files().forget()).not.toThrow();
  });
});

describe('what was said', () => {
  test('is said once, again when it changes, and again when it was forgotten', () => {
    files().owe();
    const heard: string[] = [];
    const say = (sentence: string) => sayOnce(files(), 'nova', sentence, (text) => heard.push(text));
    say('away');
    say('away');
    say('refused');
    say('refused');
    files().note('nova', null);
    say('refused');
    expect(heard).toEqual(['away', 'refused', 'refused']);
  });

  test('is not said again for another request id or another duration', () => {
    files().owe();
    const heard: string[] = [];
    for (const sentence of [
      'refused (HTTP 401, req-7b41d09f-0626-4b32-a41f-2098fe331aa7) after 8 s',
      'refused (HTTP 401, req-6fa5d916-02cb-407d-8517-aa8b878aefe0) after 7.5 s',
      'refused (HTTP 403, req-6fa5d916-02cb-407d-8517-aa8b878aefe0) after 7.5 s',
    ]) {
      sayOnce(files(), 'nova', sentence, (text) => heard.push(text));
    }
    expect(heard.map((sentence) => sentence.slice(0, 18))).toEqual([
      'refused (HTTP 401,',
      'refused (HTTP 403,',
    ]);
  });

  test('topics do not disturb each other, and a value may hold what separates them', () => {
    files().owe();
    files().note('a', 'x=y=z');
    files().note('b', 'two\nlines');
    expect(files().said('a')).toBe('x=y=z');
    expect(files().said('b')).toBe('two lines');
    files().note('a', null);
    expect(files().said('a')).toBeNull();
    expect(files().said('b')).toBe('two lines');
  });

  test('notes that nobody wrote like this are nothing, and no reason to fail', () => {
    files().owe();
    writeFileSync(join(dir, 'state', 'nova-compute.said'), '\u0000garbage\n=\n==\n');
    expect(files().said('nova')).toBeNull();
    files().note('nova', 'away');
    expect(files().said('nova')).toBe('away');
    expect(existsSync(join(dir, 'state', 'nova-compute.said.new'))).toBe(false);
    expect(readFileSync(join(dir, 'state', 'nova-compute.said'), 'utf8')).toContain('nova=away');
  });
});
