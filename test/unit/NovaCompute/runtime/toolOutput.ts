/** What the tools that the runtimes ask print. */

export interface ContainerFacts {
  readonly Status?: string;
  readonly Pid?: number;
  readonly ExitCode?: number;
  readonly StartedAt?: string;
  readonly mounts?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
}

/** What `inspect` prints, of both engines, with the parts that matter here. */
export const inspected = ({ mounts = {}, labels = {}, ...state }: ContainerFacts = {}): string =>
  JSON.stringify([
    {
      Id: '0123abc',
      State: {
        Status: 'running',
        Running: true,
        Pid: 700,
        ExitCode: 0,
        StartedAt: '2026-01-01T00:00:05.5Z',
        ...state,
      },
      Mounts: Object.entries(mounts).map(([Destination, Source]) => ({
        Type: 'bind',
        Source,
        Destination,
        RW: false,
      })),
      Config: { Labels: labels },
    },
  ]);

/** What `systemctl show` of systemd 252 prints of a unit, with the parts that matter here. */
export const shown = (properties: Readonly<Record<string, string | number>> = {}): string => {
  const all = {
    LoadState: 'loaded',
    ActiveState: 'active',
    SubState: 'running',
    MainPID: 700,
    Result: 'success',
    ExecMainStartTimestampMonotonic: 5_000_000,
    User: 'nova',
    ExecStart:
      '{ path=/usr/bin/nova-compute ; argv[]=/usr/bin/nova-compute --config-file /etc/nova/a.conf ; ' +
      'ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }',
    ...properties,
  };
  return `${Object.entries(all)
    .map(([name, value]) => `${name}=${value}`)
    .join('\n')}\n`;
};
