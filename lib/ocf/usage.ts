import type { OcfAgent } from './types.ts';

/** One line for a wrong call, as the shell agents print it. */
export function usageLine(agent: OcfAgent): string {
  const further = (agent.furtherActions ?? []).map((action) => action.name);
  const names = [...new Set([...agent.actions.map((action) => action.name), ...further, 'usage'])];
  return `usage: ${agent.name} {${names.join('|')}}`;
}

/** What `usage` and `help` print: how to call the agent by hand, and its parameters. */
export function renderUsage(agent: OcfAgent): string {
  const parameters = agent.parameters.flatMap((parameter) => {
    const facts = [
      parameter.type,
      ...(parameter.required === true ? ['required'] : []),
      ...(parameter.default === undefined || parameter.default === ''
        ? []
        : [`default ${parameter.default}`]),
    ];
    return [`  OCF_RESKEY_${parameter.name} (${facts.join(', ')})`, ...wrap(parameter.longdesc, 6)];
  });
  const further = (agent.furtherActions ?? []).flatMap((action) => [
    `  ${action.call}`,
    ...wrap(action.shortdesc, 6),
  ]);
  return [
    usageLine(agent),
    ...(further.length === 0 ? [] : ['', 'Beyond what Pacemaker calls:', '', ...further]),
    '',
    ...wrap(`${agent.shortdesc}. Parameters come from the environment:`, 0),
    '',
    ...parameters,
    '',
  ].join('\n');
}

function wrap(text: string, indent: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && indent + line.length + 1 + word.length > 80) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  lines.push(line);
  return lines.map((each) => ' '.repeat(indent) + each);
}
