/**
 * `npm run docs`: fills the tables of docs/*.md from the meta-data that the binaries themselves print, so that
 * what is declared once is also what operators read. `--check` changes nothing and fails when a page is not
 * current.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseXml, type XmlElement } from '@rgrove/parse-xml';

interface Column {
  readonly title: string;
  readonly cell: (element: XmlElement) => string;
}

interface Table {
  /** Names the place in the page: `<!-- table: NAME -->` … `<!-- end -->`. */
  readonly name: string;
  readonly rows: string;
  readonly columns: readonly Column[];
}

interface Page {
  readonly file: string;
  readonly command: readonly [string, ...string[]];
  readonly tables: readonly Table[];
}

const code = (text: string): string => (text === '' ? '' : `\`${text}\``);
const attribute = (element: XmlElement | undefined, name: string): string => element?.attributes[name] ?? '';

function children(element: XmlElement, name: string): XmlElement[] {
  return element.children.filter(
    (child): child is XmlElement => child.type === 'element' && 'name' in child && child.name === name,
  );
}

const content = (parameter: XmlElement): XmlElement | undefined => children(parameter, 'content')[0];
const textOf = (parameter: XmlElement, name: string): string =>
  (children(parameter, name)[0]?.text ?? '').trim().replace(/\s+/g, ' ');
const type = { title: 'Type', cell: (p: XmlElement) => attribute(content(p), 'type') };
const fallback = { title: 'Default', cell: (p: XmlElement) => code(attribute(content(p), 'default')) };

/** What the meta-data of a resource agent holds. */
const resourceAgentTables: readonly Table[] = [
  {
    name: 'parameters',
    rows: 'parameter',
    columns: [
      { title: 'Parameter', cell: (p) => code(attribute(p, 'name')) },
      type,
      fallback,
      { title: 'Required', cell: (p) => (attribute(p, 'required') === '1' ? 'yes' : '') },
      { title: 'Meaning', cell: (p) => textOf(p, 'longdesc') || textOf(p, 'shortdesc') },
    ],
  },
  {
    name: 'actions',
    rows: 'action',
    columns: [
      { title: 'Action', cell: (a) => code(attribute(a, 'name')) },
      { title: 'Timeout', cell: (a) => attribute(a, 'timeout') },
      { title: 'Interval', cell: (a) => attribute(a, 'interval') },
      { title: 'Depth', cell: (a) => attribute(a, 'depth') },
    ],
  },
];

const pages: readonly Page[] = [
  {
    file: 'docs/NovaEvacuate.md',
    command: ['NovaEvacuate', 'meta-data'],
    tables: resourceAgentTables,
  },
  {
    file: 'docs/NovaCompute.md',
    command: ['NovaCompute', 'meta-data'],
    tables: resourceAgentTables,
  },
  {
    file: 'docs/fence_compute.md',
    command: ['fence_compute', '-o', 'metadata'],
    tables: [
      {
        name: 'parameters',
        rows: 'parameter',
        columns: [
          { title: 'Parameter', cell: (p) => code(attribute(p, 'name')) },
          { title: 'Command line', cell: (p) => code(attribute(children(p, 'getopt')[0], 'mixed')) },
          type,
          fallback,
          { title: 'Required', cell: (p) => (attribute(p, 'required') === '1' ? 'yes' : '') },
          {
            title: 'Meaning',
            cell: (p) =>
              (textOf(p, 'longdesc') || textOf(p, 'shortdesc')) +
              (attribute(p, 'deprecated') === '1' ? ' (deprecated name)' : ''),
          },
        ],
      },
      {
        name: 'actions',
        rows: 'action',
        columns: [{ title: 'Action', cell: (a) => code(attribute(a, 'name')) }],
      },
    ],
  },
];

function elements(root: XmlElement, name: string): XmlElement[] {
  return root.children
    .filter((child): child is XmlElement => child.type === 'element')
    .flatMap((child) => (child.name === name ? [child] : elements(child, name)));
}

function render(table: Table, root: XmlElement): string {
  const escaped = (cell: string): string => cell.replaceAll('|', '\\|');
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`.replace(/ +/g, ' ');
  const rows = elements(root, table.rows).map((row) =>
    line(table.columns.map((column) => escaped(column.cell(row)))),
  );
  if (rows.length === 0) throw new Error(`the meta-data has no ${table.rows}`);
  return [
    line(table.columns.map((column) => column.title)),
    line(table.columns.map(() => '---')),
    ...rows,
  ].join('\n');
}

function fill(page: string, table: Table, root: XmlElement): string {
  const place = new RegExp(`(<!-- table: ${table.name} -->\n)[^]*?(<!-- end -->)`);
  if (!place.test(page)) throw new Error(`there is no place for the table ${table.name}`);
  return page.replace(place, (_, open: string, close: string) => `${open}${render(table, root)}\n${close}`);
}

const root = resolve(import.meta.dirname, '..');
const check = process.argv.includes('--check');

for (const { file, command, tables } of pages) {
  const [name, ...args] = command;
  try {
    const metaData = execFileSync(join(root, 'dist', name), args, { encoding: 'utf8', env: {} });
    const element = parseXml(metaData).root;
    if (element === null) throw new Error('the meta-data is empty');
    const old = readFileSync(join(root, file), 'utf8');
    const current = tables.reduce((text, table) => fill(text, table, element), old);
    if (current === old) {
      console.log(`${file} is current.`);
    } else if (check) {
      console.error(`${file} is not current; run npm run docs and commit it.`);
      process.exitCode = 1;
    } else {
      writeFileSync(join(root, file), current);
      console.log(`${file} was brought up to date.`);
    }
  } catch (error) {
    console.error(`${file}: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
