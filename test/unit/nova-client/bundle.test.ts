// The agents are one CommonJS bundle in one binary, where what is loaded is what costs time.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { expect, it, onTestFinished } from 'vitest';
import { cloud } from './loopback.ts';

const entry = fileURLToPath(new URL('../../../lib/nova-client/src/index.ts', import.meta.url));
const program = `
const { connect, loadCloud, NovaError } = require('./client.cjs');
const loaded = () => ['http', 'https', 'tls', 'net', 'fs/promises'].filter((name) =>
  process.moduleLoadList.includes('NativeModule ' + name));
(async () => {
  const before = loaded();
  const client = await connect(JSON.parse(process.argv[2]), { env: {} });
  const after = loaded();
  let yaml = '';
  try { await loadCloud('nosuch', { env: { OS_CLIENT_CONFIG_FILE: process.argv[3] } }); } catch (error) { yaml = error.message; }
  console.log(JSON.stringify({ before, after, microversion: client.microversion, yaml, is: typeof NovaError }));
})();
`;

it('is bundled as CommonJS, and loads HTTP, TLS and YAML when they are needed', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'nova-client-bundle-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const result = await build({
    entryPoints: [entry],
    outfile: join(directory, 'client.cjs'),
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node24',
    metafile: true,
    logLevel: 'silent',
  });
  expect(result.warnings).toEqual([]);
  writeFileSync(join(directory, 'program.cjs'), program);
  writeFileSync(join(directory, 'clouds.yaml'), 'clouds: {one: {}}');
  const one = await cloud();
  const { execFile } = await import('node:child_process');
  const out = await new Promise<string>((resolve, reject) =>
    execFile(
      process.execPath,
      [join(directory, 'program.cjs'), JSON.stringify(one.config), join(directory, 'clouds.yaml')],
      { timeout: 15_000 },
      (error, stdout) => (error === null ? resolve(stdout) : reject(error)),
    ),
  );
  expect(JSON.parse(out)).toEqual({
    before: [],
    after: expect.not.arrayContaining(['https', 'tls', 'fs/promises']),
    microversion: '2.93',
    yaml: `${join(directory, 'clouds.yaml')} has no cloud nosuch: it has one`,
    is: 'function',
  });
  expect(JSON.parse(out).after).toContain('http');
});

it('emits declarations and modules that plain Node can load', () => {
  const directory = mkdtempSync(join(tmpdir(), 'nova-client-dist-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const root = fileURLToPath(new URL('../../../', import.meta.url));
  const project = join(root, 'lib/nova-client/tsconfig.build.json');
  execFileSync(process.execPath, [
    join(root, 'node_modules/typescript/bin/tsc'),
    '-p',
    project,
    '--outDir',
    directory,
  ]);
  writeFileSync(join(directory, 'package.json'), '{"type": "module"}');
  const script = `import('${join(directory, 'index.js')}').then((m) => console.log(Object.keys(m).sort().join()))`;
  expect(execFileSync(process.execPath, ['-e', script]).toString().trim()).toBe(
    'NovaError,checkFiles,cloudConfig,connect,faultReason,fileWithin,hideSecrets,loadCloud,novaHost,overlaid,parseDomain,parseInterface,serverId',
  );
});
