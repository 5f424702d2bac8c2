import { documentActions, type FenceOption } from './declarations.ts';
import type { FenceAgent } from './types.ts';

/** The names an option has in the metadata: where its key and its long name differ, the key is the deprecated one. */
interface MetadataName {
  readonly name: string;
  readonly attributes: string;
}

/**
 * The agent's metadata, by fence-agents' schema. Pacemaker, pcs and crmsh learn from it which parameters exist, that
 * `on` is automatic, and under which name (`plug` or `port`) they pass the target.
 */
export function renderMetadata(agent: FenceAgent): string {
  return [
    '<?xml version="1.0" ?>',
    `<resource-agent name="${escapeXml(agent.name)}" shortdesc="${escapeXml(agent.shortdesc)}" >`,
    `<longdesc>${escapeXml(agent.longdesc)}</longdesc>`,
    `<vendor-url>${escapeXml(agent.vendorUrl ?? '')}</vendor-url>`,
    '<parameters>',
    ...agent.options.flatMap((option) => metadataNames(option).map((name) => renderParameter(option, name))),
    '</parameters>',
    '<actions>',
    ...agent.actions.map((action) => {
      const automatic = action.automatic === true ? ' automatic="1"' : ' ';
      return `\t<action name="${escapeXml(action.name)}"${automatic}/>`;
    }),
    ...documentActions.map((name) => `\t<action name="${name}" />`),
    '</actions>',
    '</resource-agent>',
    '',
  ].join('\n');
}

function metadataNames(option: FenceOption): readonly MetadataName[] {
  const name = option.long.replaceAll('-', '_');
  if (name === option.key) return [{ name, attributes: '' }];
  return [
    { name: option.key, attributes: ' deprecated="1"' },
    { name, attributes: ` obsoletes="${escapeXml(option.key)}"` },
  ];
}

function renderParameter(option: FenceOption, { name, attributes }: MetadataName): string {
  const defaultValue = option.default === undefined ? '' : ` default="${escapeXml(option.default)}"`;
  const required = option.required === true ? 1 : 0;
  return [
    `\t<parameter name="${escapeXml(name)}" unique="0" required="${required}"${attributes}>`,
    `\t\t<getopt mixed="${escapeXml(commandLineForm(option))}" />`,
    `\t\t<content type="${option.type}"${defaultValue}  />`,
    `\t\t<shortdesc lang="en">${escapeXml(option.shortdesc)}</shortdesc>`,
    '\t</parameter>',
  ].join('\n');
}

/** `-n, --plug=[id]` */
function commandLineForm(option: FenceOption): string {
  const value = option.type === 'boolean' ? '' : `=[${option.argument ?? 'value'}]`;
  return `${option.short === undefined ? '' : `-${option.short}, `}--${option.long}${value}`;
}

function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
