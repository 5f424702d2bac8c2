import type { Runtime } from './runtime/types.ts';

const lines = 3;
const lineLength = 160;

/** `transport_url=rabbit://…`, `'password': '…'`, `X-Auth-Token: …`: the name stays, the value goes. */
const namedSecret =
  /([\w.-]*(?:password|passwd|secret|token|transport_url|connection|credential)[\w.-]*["']?\s*[:=]\s*)("[^"]*"|'[^']*'|\S+)/gi;
/** The user and password of an address; an address of oslo.messaging may hold several. */
const addressSecret = /[^\s/@,'"]+:[^\s/@'"]+@/g;

/** A line of nova-compute's log without what it may hold of secrets (I8). */
export function withoutSecrets(line: string): string {
  return line.replace(namedSecret, '$1***').replace(addressSecret, '***@');
}

/**
 * The last things nova-compute wrote, for a reason: newest first, because Pacemaker shows the first 128 characters of a
 * reason only (execd, `EXIT_REASON_MAX_LEN`) and a Python program names its error last. Empty when it wrote nothing, or
 * nobody can tell.
 */
export async function lastWords(runtime: Pick<Runtime, 'lastLines'>): Promise<string> {
  let written: readonly string[];
  try {
    written = await runtime.lastLines(20);
  } catch {
    return '';
  }
  return written
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .slice(-lines)
    .reverse()
    .map((line) => withoutSecrets(line))
    .map((line) => (line.length > lineLength ? `${line.slice(0, lineLength)}…` : line))
    .join('; before that: ');
}
