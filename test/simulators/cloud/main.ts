import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Knobs, setKnobs } from './knobs.ts';
import { startCloud } from './server.ts';

const usage = `main.ts [--host ADDRESS] [--port N] [--scenario FILE|-|JSON] [--set KNOB=VALUE]... [--speed N]
        [--tls-key FILE --tls-cert FILE] [--region NAME]... [--parent PID]

Starts a simulated cloud and prints one line of JSON with its addresses. Ends on SIGTERM, SIGINT, or when the
process given with --parent is gone.
`;

const { values } = parseArgs({
  options: {
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '0' },
    scenario: { type: 'string' },
    set: { type: 'string', multiple: true, default: [] },
    speed: { type: 'string' },
    'tls-key': { type: 'string' },
    'tls-cert': { type: 'string' },
    region: { type: 'string', multiple: true },
    parent: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) {
  process.stdout.write(usage);
  process.exit(0);
}

function readScenario(given: string | undefined): unknown {
  if (given === undefined) return undefined;
  const text = given.startsWith('{') ? given : readFileSync(given === '-' ? 0 : given, 'utf8');
  return JSON.parse(text);
}

const wanted: Partial<Knobs> = {};
const pairs = values.set.map((pair): [string, string] => {
  const at = pair.indexOf('=');
  return [pair.slice(0, at), pair.slice(at + 1)];
});
setKnobs(wanted, Object.fromEntries(pairs));
const cloud = await startCloud({
  host: values.host,
  port: Number(values.port),
  scenario: readScenario(values.scenario),
  knobs: wanted,
  ...(values.speed === undefined ? {} : { speed: Number(values.speed) }),
  ...(values.region === undefined ? {} : { regions: values.region }),
  ...(values['tls-key'] === undefined || values['tls-cert'] === undefined
    ? {}
    : {
        tls: { key: readFileSync(values['tls-key'], 'utf8'), cert: readFileSync(values['tls-cert'], 'utf8') },
      }),
});
process.stdout.write(`${JSON.stringify({ authUrl: cloud.authUrl, ...cloud.urls, pid: process.pid })}\n`);

const end = () => {
  void cloud.stop().finally(() => process.exit(0));
};
process.on('SIGTERM', end);
process.on('SIGINT', end);
if (values.parent !== undefined) {
  const parent = Number(values.parent);
  setInterval(() => {
    try {
      process.kill(parent, 0);
    } catch {
      end();
    }
  }, 1000).unref();
}
