import { parseXml, XmlElement } from '@rgrove/parse-xml';
import { describe, expect, it } from 'vitest';
import { renderMetadata } from '../../../lib/ocf/metadata.ts';
import { testAgent } from './testAgent.ts';

const agent = testAgent();
const text = renderMetadata(agent);
const elements = (parent: XmlElement, name?: string): XmlElement[] =>
  parent.children.filter(
    (child): child is XmlElement =>
      child instanceof XmlElement && (name === undefined || child.name === name),
  );
const one = (parent: XmlElement, name: string): XmlElement => {
  const [first, ...others] = elements(parent, name);
  if (first === undefined || others.length > 0) throw new Error(`${name} is not there exactly once`);
  return first;
};
const root = (() => {
  const found = parseXml(text).root;
  if (found === null) throw new Error('no root element');
  return found;
})();

describe('meta-data', () => {
  it('begins with the declarations that tools expect', () => {
    expect(text.split('\n').slice(0, 2)).toEqual([
      '<?xml version="1.0"?>',
      '<!DOCTYPE resource-agent SYSTEM "ra-api-1.dtd">',
    ]);
  });

  it('has the elements of OCF 1.1 in their order', () => {
    expect(root.name).toBe('resource-agent');
    expect(root.attributes).toEqual({ name: 'TestAgent', version: '1.2.3' });
    expect(elements(root).map((element) => element.name)).toEqual([
      'version',
      'longdesc',
      'shortdesc',
      'parameters',
      'actions',
    ]);
    expect(one(root, 'version').text).toBe('1.0');
    expect(one(root, 'shortdesc').text).toBe(agent.shortdesc);
    expect(one(root, 'longdesc').attributes).toEqual({ lang: 'en' });
  });

  it('tells every parameter as it is declared', () => {
    const found = elements(one(root, 'parameters')).map((parameter) => ({
      ...parameter.attributes,
      longdesc: one(parameter, 'longdesc').text.trim(),
      shortdesc: one(parameter, 'shortdesc').text,
      content: one(parameter, 'content').attributes,
    }));
    expect(found.map(({ content, ...rest }) => ({ ...rest, default: content['default'] }))).toEqual(
      agent.parameters.map((parameter) => ({
        name: parameter.name,
        unique: parameter.unique === true ? '1' : '0',
        required: parameter.required === true ? '1' : '0',
        longdesc: parameter.longdesc,
        shortdesc: parameter.shortdesc,
        default: parameter.default,
      })),
    );
    // OCF 1.1 knows these types only; a time is a string to it.
    expect(found.map(({ content }) => content['type'])).toEqual([
      'string',
      'string',
      'string',
      'boolean',
      'boolean',
      'integer',
      'string',
    ]);
  });

  it('advertises the actions with their timeouts', () => {
    expect(elements(one(root, 'actions')).map((action) => action.attributes)).toEqual([
      { name: 'start', timeout: '20' },
      { name: 'stop', timeout: '30' },
      { name: 'monitor', timeout: '600', interval: '10', depth: '0' },
      { name: 'validate-all', timeout: '20' },
      { name: 'meta-data', timeout: '5' },
    ]);
  });
});
