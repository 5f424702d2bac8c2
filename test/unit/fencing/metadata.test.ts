import { parseXml, XmlElement } from '@rgrove/parse-xml';
import { describe, expect, it } from 'vitest';
import { renderMetadata } from '../../../lib/fencing/metadata.ts';
import { testAgent } from './testAgent.ts';

const root = parseXml(renderMetadata(testAgent())).root;
const children = (parent: XmlElement | undefined | null, name?: string): XmlElement[] =>
  (parent?.children ?? []).filter(
    (child): child is XmlElement =>
      child instanceof XmlElement && (name === undefined || child.name === name),
  );
const parameters = children(children(root, 'parameters')[0], 'parameter');
const parameter = (name: string) => {
  const found = parameters.filter((each) => each.attributes['name'] === name);
  if (found.length !== 1 || found[0] === undefined) throw new Error(`${name} is not there exactly once`);
  return found[0];
};

describe('metadata of a fence agent', () => {
  it('has the parts of the schema in their order', () => {
    expect(root?.attributes).toEqual({ name: 'fence_test', shortdesc: 'An agent for tests' });
    expect(children(root).map((element) => element.name)).toEqual([
      'longdesc',
      'vendor-url',
      'parameters',
      'actions',
    ]);
    expect(children(root, 'longdesc')[0]?.text).toBe('Does <nothing> & says so.');
    for (const each of parameters) {
      expect(children(each).map((element) => element.name)).toEqual(['getopt', 'content', 'shortdesc']);
      expect(['0', '1']).toContain(each.attributes['unique']);
      expect(['0', '1']).toContain(each.attributes['required']);
      expect(['boolean', 'string', 'second', 'integer']).toContain(
        children(each, 'content')[0]?.attributes['type'],
      );
    }
  });

  it('names an option twice where its key and its long name differ', () => {
    expect(parameter('port').attributes).toMatchObject({ required: '1', deprecated: '1' });
    expect(parameter('plug').attributes).toMatchObject({ required: '1', obsoletes: 'port' });
    expect(parameter('user-domain').attributes).toMatchObject({ deprecated: '1' });
    expect(parameter('user_domain').attributes).toMatchObject({ obsoletes: 'user-domain' });
    expect(parameter('debug_file').attributes).toMatchObject({ obsoletes: 'debug' });
    expect(parameter('auth_url').attributes).toEqual({ name: 'auth_url', unique: '0', required: '0' });
    expect(parameters.map((each) => each.attributes['name'])).not.toContain('auth-url');
  });

  it('tells how an option is written, its type and its default', () => {
    const facts = (name: string) => ({
      ...children(parameter(name), 'getopt')[0]?.attributes,
      ...children(parameter(name), 'content')[0]?.attributes,
    });
    expect(facts('plug')).toEqual({ mixed: '-n, --plug=[id]', type: 'string' });
    expect(facts('insecure')).toEqual({ mixed: '--insecure', type: 'boolean' });
    expect(facts('delay')).toEqual({ mixed: '--delay=[seconds]', type: 'second', default: '0' });
    expect(facts('retry_on')).toEqual({ mixed: '--retry-on=[value]', type: 'integer', default: '1' });
    expect(facts('auth_url')).toEqual({ mixed: '-k, --auth-url=[value]', type: 'string', default: '' });
    expect(children(parameter('username'), 'shortdesc')[0]?.text).toBe('Login <name> & "more"');
  });

  it('lists the actions; on is automatic, so that Pacemaker unfences with it', () => {
    expect(children(children(root, 'actions')[0], 'action').map((action) => action.attributes)).toEqual([
      { name: 'on', automatic: '1' },
      { name: 'off' },
      { name: 'status' },
      { name: 'list' },
      { name: 'monitor' },
      { name: 'metadata' },
      { name: 'manpage' },
      { name: 'validate-all' },
    ]);
  });
});
