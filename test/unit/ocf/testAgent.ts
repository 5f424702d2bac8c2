import { type OcfAgent, type OcfContext, OcfExit, type OcfIo } from '../../../lib/ocf/index.ts';

/** Collects what an agent prints. */
export function capture(): OcfIo & { readonly out: () => string; readonly err: () => string } {
  let out = '';
  let err = '';
  return {
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    out: () => out,
    err: () => err,
  };
}

/** An agent with a parameter of each kind, which remembers the contexts it was called with. */
export function testAgent(overrides: Partial<OcfAgent> = {}): OcfAgent & { readonly calls: OcfContext[] } {
  const calls: OcfContext[] = [];
  const answer = async (ctx: OcfContext) => {
    calls.push(ctx);
    return OcfExit.success;
  };
  return {
    calls,
    name: 'TestAgent',
    version: '1.2.3',
    shortdesc: 'An agent <for> tests & nothing else',
    longdesc: 'Says "yes" to everything.',
    parameters: [
      {
        name: 'auth_url',
        type: 'string',
        required: true,
        unique: true,
        shortdesc: 'Address',
        longdesc: 'An address.',
      },
      {
        name: 'password',
        type: 'string',
        required: true,
        secret: true,
        shortdesc: 'Password',
        longdesc: 'A password.',
        oneOf: ['sesame', 'friend'],
      },
      {
        name: 'endpoint_type',
        type: 'string',
        default: 'internalURL',
        oneOf: ['internalURL', 'publicURL'],
        shortdesc: 'Kind',
        longdesc: 'A kind.',
      },
      { name: 'insecure', type: 'boolean', default: '0', shortdesc: 'Insecure', longdesc: 'Insecure.' },
      { name: 'verbose', type: 'boolean', default: '0', shortdesc: 'Verbose', longdesc: 'Verbose.' },
      {
        name: 'count',
        type: 'integer',
        default: '3',
        min: 1,
        max: 10,
        shortdesc: 'Count',
        longdesc: 'A count.',
      },
      { name: 'wait', type: 'time', default: '2min', shortdesc: 'Wait', longdesc: 'A time.' },
    ],
    actions: [
      { name: 'start', timeoutSeconds: 20 },
      { name: 'stop', timeoutSeconds: 30 },
      { name: 'monitor', timeoutSeconds: 600, intervalSeconds: 10, depth: 0 },
      { name: 'validate-all', timeoutSeconds: 20 },
      { name: 'meta-data', timeoutSeconds: 5 },
    ],
    start: answer,
    stop: answer,
    monitor: answer,
    ...overrides,
  };
}

/** A configuration that is right. */
export const goodParameters = { OCF_RESKEY_auth_url: 'http://keystone:5000', OCF_RESKEY_password: 'sesame' };
