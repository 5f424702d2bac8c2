import { ComputeError } from '../../../lib/evacuation/return/localCompute.ts';
import type { Machine } from './machine.ts';
import type { User } from './user.ts';

/**
 * The command that runs a program as a user with its groups. setpriv (util-linux) becomes the program itself and gives
 * it the supplementary groups, without which libvirt's socket is closed to Nova; runuser and su do the same but stay
 * as its parent. Node's own `uid` option would take the groups away.
 */
export function launcherFor(
  machine: Pick<Machine, 'uid' | 'findProgram'>,
  user: User,
  program: string,
): { readonly file: string; readonly args: readonly string[] } {
  if (machine.uid === user.uid) return { file: program, args: [] };
  if (machine.uid !== 0) {
    throw new ComputeError(`Only root can start nova-compute as user ${user.name}.`);
  }
  const setpriv = machine.findProgram('setpriv');
  if (setpriv !== null) {
    const identity = [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--init-groups'];
    return { file: setpriv, args: [...identity, '--', program] };
  }
  const runuser = machine.findProgram('runuser');
  if (runuser !== null) return { file: runuser, args: ['-u', user.name, '--', program] };
  const su = machine.findProgram('su');
  if (su !== null) {
    // su hands over a command for a shell, as the original agent did; the program's path comes from us.
    const command = `exec '${program.replaceAll("'", "'\\''")}'`;
    return { file: su, args: [user.name, '-s', '/bin/sh', '-c', command] };
  }
  throw new ComputeError(
    `nova-compute cannot be started as user ${user.name}: setpriv, runuser and su are all missing on this machine.`,
  );
}
