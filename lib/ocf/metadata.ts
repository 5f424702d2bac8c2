import type { OcfAgent, OcfParameter } from './types.ts';

/**
 * The agent's meta-data document. Valid by the OCF 1.1 schema, by resource-agents' own schema and by the DTD it
 * names. `<version>` is the version of the OCF standard whose rules the agent follows, not the agent's own: 1.0, as
 * none of what 1.1 added (reload-agent, renamed roles) is advertised.
 */
export function renderMetadata(agent: OcfAgent): string {
  return [
    '<?xml version="1.0"?>',
    '<!DOCTYPE resource-agent SYSTEM "ra-api-1.dtd">',
    `<resource-agent name="${escapeXml(agent.name)}" version="${escapeXml(agent.version)}">`,
    '<version>1.0</version>',
    '',
    `<longdesc lang="en">\n${escapeXml(agent.longdesc)}\n</longdesc>`,
    `<shortdesc lang="en">${escapeXml(agent.shortdesc)}</shortdesc>`,
    '',
    '<parameters>',
    ...agent.parameters.flatMap((parameter) => [renderParameter(parameter), '']),
    '</parameters>',
    '',
    '<actions>',
    ...agent.actions.map((action) => {
      const interval = action.intervalSeconds === undefined ? '' : ` interval="${action.intervalSeconds}"`;
      const depth = action.depth === undefined ? '' : ` depth="${action.depth}"`;
      return `<action name="${action.name}" timeout="${action.timeoutSeconds}"${interval}${depth} />`;
    }),
    '</actions>',
    '</resource-agent>',
    '',
  ].join('\n');
}

function renderParameter(parameter: OcfParameter): string {
  // OCF 1.1 knows no type "time" (the DTD does): clients are told "string", we check it ourselves.
  const type = parameter.type === 'time' ? 'string' : parameter.type;
  const defaultValue = parameter.default === undefined ? '' : ` default="${escapeXml(parameter.default)}"`;
  const unique = parameter.unique === true ? 1 : 0;
  const required = parameter.required === true ? 1 : 0;
  return [
    `<parameter name="${escapeXml(parameter.name)}" unique="${unique}" required="${required}">`,
    `<longdesc lang="en">\n${escapeXml(parameter.longdesc)}\n</longdesc>`,
    `<shortdesc lang="en">${escapeXml(parameter.shortdesc)}</shortdesc>`,
    `<content type="${type}"${defaultValue} />`,
    '</parameter>',
  ].join('\n');
}

function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
