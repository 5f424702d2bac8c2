import { oneLine } from '../system/text.ts';
import type { CommandResult } from './command.ts';
import { AttrdError } from './errors.ts';

/** EX_USAGE: how every version of the tools answers an option it does not know. */
export const exitUsage = 64;

/** CRM_EX_DISCONNECT; before 2.0 the errno itself (ENOTCONN, ECONNREFUSED). */
const exitDisconnected: ReadonlySet<number> = new Set([102, 107, 111]);

/** 78 since 2.1, other codes before; the words are the same in all (`attrd_updater`), and crm_attribute has its own. */
export function isNothingFound(result: CommandResult): boolean {
  // A socket can fail with ENXIO as well, and a cluster that cannot be asked is not one without marks.
  if (isDisconnected(result)) return false;
  return /attribute does not exist|no such device or address/i.test(`${result.stderr}\n${result.stdout}`);
}

function isDisconnected(result: CommandResult): boolean {
  return (
    exitDisconnected.has(result.exitCode) ||
    /could not connect|connection refused|transport endpoint is not connected/i.test(
      `${result.stderr}\n${result.stdout}`,
    )
  );
}

/** In the words of getopt, GLib and Pacemaker itself. */
export function isUnknownOption(result: CommandResult): boolean {
  return /unknown option|unrecognized option|invalid option/i.test(result.stderr);
}

export function isUnknownNode(result: CommandResult): boolean {
  return /could not map name/i.test(`${result.stderr}\n${result.stdout}`);
}

/** What went wrong, in the words of the tool. */
export function failure(tool: string, result: CommandResult, doing: string): AttrdError {
  const said = `${result.stderr}\n${result.stdout}`
    .split('\n')
    .map((line) => line.trim().replace(/^<error>(.*)<\/error>$/, '$1'))
    .find((line) => line !== '' && !line.startsWith('<'));
  const words = said === undefined ? '' : `: ${oneLine(said).slice(0, 200)}`;
  return isDisconnected(result)
    ? new AttrdError(
        'noCluster',
        `${doing} failed: the cluster does not answer on this machine (${tool} exit ${result.exitCode}${words})`,
        {
          exitCode: result.exitCode,
        },
      )
    : new AttrdError('failed', `${doing} failed: ${tool} ended with ${result.exitCode}${words}`, {
        exitCode: result.exitCode,
      });
}
