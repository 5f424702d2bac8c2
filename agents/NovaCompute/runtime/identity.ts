/** Interpreters that a program named nova-compute may be a script of; the kernel shows them as the program. */
const INTERPRETERS = /^(python[\d.]*|pypy[\d.]*|sh|bash|dash)$/;
/** Options of Python that take the next word as their value. */
const OPTIONS_WITH_VALUE = new Set(['-W', '-X']);

/**
 * Whether a command line is nova-compute itself: the program, or an interpreter that runs the program's script. An
 * editor that has the file open, `su ... -c nova-compute`, and what nova-compute starts (privsep-helper,
 * nova-rootwrap) are not.
 */
export function isNovaCompute(argv: readonly string[]): boolean {
  const [program = '', ...rest] = argv;
  if (isNamedNovaCompute(program)) return true;
  const interpreter = baseName(program);
  if (!INTERPRETERS.test(interpreter)) return false;
  for (let at = 0; at < rest.length; at += 1) {
    const word = rest[at] ?? '';
    // `python3 -m nova.cmd.compute`
    if (word === '-m') return interpreter.startsWith('py') && rest[at + 1] === 'nova.cmd.compute';
    // A command in place of a script, also among other letters (`sh -ec`).
    if (/^-[A-Za-z]*c/.test(word)) return false;
    if (!word.startsWith('-')) return isNamedNovaCompute(word);
    if (OPTIONS_WITH_VALUE.has(word)) at += 1;
  }
  return false;
}

/**
 * The command behind `setpriv ... -- COMMAND`, which replaces itself by it within milliseconds: an agent that was
 * killed right after it launched nova-compute leaves exactly this for that moment.
 */
export function behindLauncher(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf('--');
  return baseName(argv[0] ?? '') === 'setpriv' && end > 0 ? argv.slice(end + 1) : argv;
}

function isNamedNovaCompute(word: string): boolean {
  return baseName(word) === 'nova-compute';
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
