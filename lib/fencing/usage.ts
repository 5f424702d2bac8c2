import yargs from 'yargs';
import type { FenceAgent } from './types.ts';

/** The usage text, rendered by yargs; this module is loaded for nothing else, as yargs takes its time. */
export async function renderUsage(agent: FenceAgent): Promise<string> {
  const parser = yargs([])
    .scriptName(agent.name)
    .locale('en')
    .usage(`Usage:\n  $0 [options]\n\n${agent.shortdesc}`)
    .help(false)
    .version(false)
    .wrap(96);
  for (const option of agent.options) {
    parser.option(option.long, {
      ...(option.short === undefined ? {} : { alias: option.short }),
      type: option.type === 'boolean' ? 'boolean' : 'string',
      describe: option.help ?? option.shortdesc,
      ...(option.default === undefined || option.default === '' ? {} : { default: option.default }),
    });
  }
  return `${await parser.getHelp()}\n`;
}
