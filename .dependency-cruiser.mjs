// The import directions of the house. Libraries that talk to Pacemaker know nothing of OpenStack and the
// other way round; the domain (lib/evacuation) joins them; agents stand on top, and nothing imports an agent
// but the entry that dispatches on the name the binary was called by.
const lib = (name) => `^lib/${name}/`;
const version = '^lib/version\\.ts$';
const rethrow = '^lib/rethrow\\.ts$';
/** Files, texts, errors of the system: what every library may need, and what knows none of them. */
const system = lib('system');
const only = (from, allowed, why) => ({
  name: `${from}-imports`,
  comment: why,
  severity: 'error',
  from: { path: `^${from}/` },
  to: { path: '^(agents|fence|lib|build|test|demo)/', pathNot: [`^${from}/`, ...allowed] },
});

/** The rooms of the domain from the bottom up; a room may import those below it. */
const rooms = ['incident', 'look', 'judge', 'decide', 'tell', 'act', 'return', 'run'];
const room = (name) => `^lib/evacuation/${name}/`;
const upstairs = rooms.slice(0, -1).map((name, floor) => ({
  name: `${name}-imports`,
  comment: `lib/evacuation: ${rooms.toReversed().join(' → ')}, never back`,
  severity: 'error',
  from: { path: room(name) },
  to: { path: ['^lib/evacuation/[^/]+$', ...rooms.slice(floor + 1).map(room)] },
}));

export default {
  forbidden: [
    only('lib/nova-client', [], 'nova-client knows nothing of Pacemaker nor of the other libraries'),
    only('lib/ocf', [system, lib('syslog')], 'the contract with the executor knows nothing of OpenStack'),
    only('lib/fencing', [system, lib('syslog')], 'the contract with the fencer knows nothing of OpenStack'),
    only('lib/syslog', [], 'syslog is a way out, nothing else'),
    only('lib/system', [], 'the ground that all else stands on'),
    only('lib/attrd', [rethrow, system], 'the mark knows nothing of OpenStack'),
    only(
      'lib/cluster',
      [rethrow, system, lib('attrd')],
      'what the cluster knows of its nodes rests on its tools alone',
    ),
    only('lib/connection', [rethrow, system, lib('nova-client')], 'how to reach OpenStack, whoever asks'),
    only(
      'lib/evacuation',
      [rethrow, system, lib('attrd'), lib('cluster'), lib('nova-client')],
      'the domain knows no agent',
    ),
    ...upstairs,
    {
      name: 'every-file-has-a-room',
      comment: 'lib/evacuation has rooms, and nothing between them but its index',
      severity: 'error',
      from: { path: '^lib/evacuation/', pathNot: rooms.map(room).concat('^lib/evacuation/index\\.ts$') },
      to: {},
    },
    only(
      'agents/shared',
      [rethrow, system, lib('ocf'), lib('connection'), lib('evacuation'), lib('nova-client')],
      'what resource agents have in common: the one place where the executor and OpenStack meet',
    ),
    only(
      'agents/NovaEvacuate',
      [
        version,
        rethrow,
        system,
        lib('ocf'),
        lib('attrd'),
        lib('cluster'),
        lib('connection'),
        lib('evacuation'),
        lib('nova-client'),
        '^agents/shared/',
      ],
      'agents import libraries only',
    ),
    only(
      'agents/NovaCompute',
      [
        version,
        rethrow,
        system,
        lib('ocf'),
        lib('attrd'),
        lib('cluster'),
        lib('connection'),
        lib('evacuation'),
        lib('nova-client'),
        '^agents/shared/',
      ],
      'agents import libraries only',
    ),
    only(
      'fence/fence_compute',
      [
        version,
        rethrow,
        system,
        lib('fencing'),
        lib('attrd'),
        lib('cluster'),
        lib('connection'),
        lib('evacuation'),
        lib('nova-client'),
      ],
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
      name: 'simulators-import-no-test',
      comment: 'tests, demo and benchmarks stand on the simulators, never the other way round',
      severity: 'error',
      from: { path: '^test/simulators/' },
      to: { path: '^(test/(?!simulators/)|demo/)' },
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
