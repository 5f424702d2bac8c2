import type { FenceOption } from './declarations.ts';

/** Options that every fence agent has, with fence-agents' names, types and defaults. */
export const actionOption = (names: readonly string[], byDefault: string): FenceOption => ({
  key: 'action',
  long: 'action',
  short: 'o',
  type: 'string',
  default: byDefault,
  required: true,
  argument: 'action',
  shortdesc: 'Fencing action',
  help: `Action: ${names.map((name) => (name === byDefault ? `${name} (default)` : name)).join(', ')}`,
});

export const plugOption: FenceOption = {
  key: 'port',
  long: 'plug',
  short: 'n',
  type: 'string',
  required: true,
  argument: 'id',
  shortdesc: 'Physical plug number on device, UUID or identification of machine',
};

export const passwordScriptOption: FenceOption = {
  key: 'passwd_script',
  long: 'password-script',
  short: 'S',
  type: 'string',
  argument: 'script',
  shortdesc: 'Script to run to retrieve password',
};

export const loggingOptions: readonly FenceOption[] = [
  {
    key: 'quiet',
    long: 'quiet',
    short: 'q',
    type: 'boolean',
    shortdesc: 'Disable logging to stderr. Does not affect --verbose or --debug-file or logging to syslog.',
  },
  {
    key: 'verbose',
    long: 'verbose',
    short: 'v',
    type: 'boolean',
    shortdesc:
      'Verbose mode. Multiple -v flags can be stacked on the command line (e.g., -vvv) to increase verbosity.',
  },
  {
    key: 'verbose_level',
    long: 'verbose-level',
    type: 'integer',
    argument: 'level',
    shortdesc:
      'Level of debugging detail in output. Defaults to the number of --verbose flags specified on the command line, or to 1 if verbose=1 in a stonith device configuration (i.e., on stdin).',
  },
  {
    key: 'debug',
    long: 'debug-file',
    short: 'D',
    type: 'string',
    argument: 'debugfile',
    shortdesc: 'Write debug information to given file',
  },
  {
    key: 'version',
    long: 'version',
    short: 'V',
    type: 'boolean',
    shortdesc: 'Display version information and exit',
  },
  { key: 'help', long: 'help', short: 'h', type: 'boolean', shortdesc: 'Display help and exit' },
];

export const listOptions: readonly FenceOption[] = [
  {
    key: 'plug_separator',
    long: 'plug-separator',
    type: 'string',
    default: ',',
    argument: 'char',
    shortdesc: 'Separator for plug parameter when specifying more than 1 plug',
  },
  {
    key: 'separator',
    long: 'separator',
    short: 'C',
    type: 'string',
    default: ',',
    argument: 'char',
    shortdesc: "Separator for CSV created by 'list' operation",
  },
];

export const delayOption: FenceOption = {
  key: 'delay',
  long: 'delay',
  type: 'second',
  default: '0',
  argument: 'seconds',
  shortdesc: 'Wait X seconds before fencing is started',
};

export const disableTimeoutOption: FenceOption = {
  key: 'disable_timeout',
  long: 'disable-timeout',
  type: 'string',
  argument: 'true/false',
  shortdesc: 'Disable timeout (true/false) (default: true when run from Pacemaker 2.0+)',
};
