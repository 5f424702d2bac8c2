import { describe, expect, it } from 'vitest';
import { ocfIsTrue, readParameters } from '../../../lib/ocf/parameters.ts';
import { goodParameters, testAgent } from './testAgent.ts';

const declared = testAgent().parameters;
const read = (env: NodeJS.ProcessEnv) => readParameters(declared, { ...goodParameters, ...env });
const errors = (env: NodeJS.ProcessEnv) => read(env).findings.errors;

describe('parameters of a resource agent', () => {
  it('applies the defaults that Pacemaker does not put into the environment', () => {
    const { parameters } = read({});
    expect(parameters.string('endpoint_type')).toBe('internalURL');
    expect(parameters.boolean('insecure')).toBe(false);
    expect(parameters.integer('count')).toBe(3);
    expect(parameters.integer('wait')).toBe(120);
    expect(parameters.given('count')).toBe(false);
  });

  it('takes an empty value for none', () => {
    const { parameters, findings } = read({ OCF_RESKEY_count: '', OCF_RESKEY_auth_url: '' });
    expect(parameters.integer('count')).toBe(3);
    expect(parameters.given('auth_url')).toBe(false);
    expect(findings.errors).toEqual(['auth_url not configured']);
  });

  it('names what is missing, in the order of the declarations', () => {
    expect(readParameters(declared, {}).findings.errors).toEqual([
      'auth_url not configured',
      'password not configured',
    ]);
  });

  it.each(['yes', 'true', '1', 'YES', 'TRUE', 'True', 'ja', 'on', 'ON'])('takes %s for true', (word) => {
    expect(ocfIsTrue(word)).toBe(true);
    expect(read({ OCF_RESKEY_insecure: word }).parameters.boolean('insecure')).toBe(true);
  });

  it.each(['no', 'false', '0', 'Yes', 'y', 'On', 'tRUE', '2', ' true'])('takes %s for false', (word) => {
    expect(read({ OCF_RESKEY_insecure: word }).parameters.boolean('insecure')).toBe(false);
  });

  it('warns of a boolean that is none, and refuses nothing', () => {
    const { findings } = read({ OCF_RESKEY_insecure: 'maybe' });
    expect(findings.errors).toEqual([]);
    expect(findings.warnings).toEqual(['insecure is "maybe", which is no boolean; it counts as false']);
    expect(read({ OCF_RESKEY_insecure: 'False' }).findings.warnings).toEqual([]);
  });

  it.each([
    ['count', 'three', 'count is "three"; it must be a whole number'],
    ['count', '1.5', 'count is "1.5"; it must be a whole number'],
    ['count', '0', 'count is "0"; it must be at least 1 and at most 10'],
    ['count', '11', 'count is "11"; it must be at least 1 and at most 10'],
    ['count', '99999999999999999999', 'count is "99999999999999999999"; it must be a whole number'],
    ['wait', 'soon', 'wait is "soon"; it must be a time such as 30 or 2min'],
    ['wait', '-1', 'wait is "-1"; it must be a time such as 30 or 2min'],
    ['endpoint_type', 'internal', 'endpoint_type is "internal"; it must be one of internalURL, publicURL'],
    ['endpoint_type', 'a\nb', 'endpoint_type is "a?b"; it must be one of internalURL, publicURL'],
  ])('refuses %s=%j in one line', (name, value, sentence) => {
    expect(errors({ [`OCF_RESKEY_${name}`]: value })).toEqual([sentence]);
  });

  it.each(['1', '10', '+3'])('takes the integer %s, within its bounds', (text) => {
    expect(errors({ OCF_RESKEY_count: text })).toEqual([]);
  });

  it.each([
    ['30', 30],
    ['30s', 30],
    ['2 min', 120],
    ['1h', 3600],
    ['1500ms', 2],
    ['0', 0],
  ])('reads the time %s as %i seconds', (text, seconds) => {
    expect(read({ OCF_RESKEY_wait: text }).parameters.integer('wait')).toBe(seconds);
  });

  it('never shows a secret', () => {
    const [sentence] = errors({ OCF_RESKEY_password: 'hunter2' });
    expect(sentence).toContain('password');
    expect(sentence).not.toContain('hunter2');
  });

  it('cuts a long value', () => {
    expect(errors({ OCF_RESKEY_count: 'x'.repeat(5000) })[0]?.length).toBeLessThan(200);
  });

  it('refuses to be asked for what is not declared', () => {
    expect(() => read({}).parameters.string('nosuch')).toThrow('declares no parameter nosuch');
  });

  it('does not choke on trace_ra, trace_dir and what it does not know', () => {
    const env = { OCF_RESKEY_trace_ra: '1', OCF_RESKEY_trace_dir: '/nowhere', OCF_RESKEY_nosuch: 'x' };
    expect(errors(env)).toEqual([]);
  });
});
