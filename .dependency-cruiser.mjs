// The import directions of the house. Libraries that talk to Pacemaker know nothing of OpenStack and the
// other way round; the domain (lib/evacuation) joins them; agents stand on top, and nothing imports an agent
// but the entry that dispatches on the name the binary was called by.
const lib = (name) => `^lib/${name}/`;
const version = '^lib/version\\.ts$';
const only = (from, allowed, why) => ({
  name: `${from}-imports`,
  comment: why,
  severity: 'error',
  from: { path: `^${from}/` },
  to: { path: '^(agents|fence|lib|build|test|demo)/', pathNot: [`^${from}/`, ...allowed] },
});

export default {
  forbidden: [
    only('lib/nova-client', [], 'nova-client knows nothing of Pacemaker nor of the other libraries'),
    only('lib/ocf', [lib('syslog')], 'the contract with the executor knows nothing of OpenStack'),
    only('lib/fencing', [lib('syslog')], 'the contract with the fencer knows nothing of OpenStack'),
    only('lib/syslog', [], 'syslog is a way out, nothing else'),
    only('lib/attrd', [], 'the mark knows nothing of OpenStack'),
    only('lib/evacuation', [lib('attrd'), lib('nova-client')], 'the domain knows no agent'),
    only(
      'agents/shared',
      [lib('ocf'), lib('evacuation'), lib('nova-client')],
      'what resource agents have in common: the one place where the executor and OpenStack meet',
    ),
    only(
      'agents/NovaEvacuate',
      [version, lib('ocf'), lib('attrd'), lib('evacuation'), lib('nova-client'), '^agents/shared/'],
      'agents import libraries only',
    ),
    only(
      'agents/NovaCompute',
      [version, lib('ocf'), lib('attrd'), lib('evacuation'), lib('nova-client'), '^agents/shared/'],
      'agents import libraries only',
    ),
    only(
      'fence/fence_compute',
      [version, lib('fencing'), lib('attrd'), lib('evacuation'), lib('nova-client')],
      'agents import libraries only',
    ),
    {
      name: 'only-the-entry-imports-agents',
      comment: 'an agent stands on top: nothing but the multi-call entry and tests builds on it',
      severity: 'error',
      from: { pathNot: '^(main\\.ts$|agents/|fence/|test/)' },
      to: { path: '^(agents|fence)/' },
    },
    {
      name: 'tests-import-nothing-back',
      comment: 'product code never imports tests or the demo',
      severity: 'error',
      from: { path: '^(main\\.ts$|(agents|fence|lib|build)/)' },
      to: { path: '^(test|demo)/' },
    },
    {
      name: 'no-cycles',
      comment: 'cycles hide the order of things',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-orphan-resolution',
      comment: 'every import resolves',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|node_modules)/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      extensions: ['.ts', '.mjs', '.js', '.json'],
      conditionNames: ['import', 'node', 'default'],
      exportsFields: ['exports'],
    },
  },
};
