import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../test/bats/helpers/fake-nova-compute', import.meta.url));

/** A compute host as NovaCompute finds it: a user of its own, a nova.conf in their home, nova-compute on PATH. */
export interface ComputeHost {
  /** Where its nova-compute and the machine's user database are. */
  readonly bin: string;
  /** Whom nova-compute runs as: whoever runs the demo, under a name that only this machine knows. */
  readonly user: string;
  /** The process id of its nova-compute; null when none was started, or it has ended. */
  computePid(): number | null;
  /** Ends what is left of it. */
  stop(): void;
}

/**
 * Makes one in a directory of its own. Its nova-compute is a process that is the host's nova-compute to the simulated
 * cloud for as long as it lives; `control` is where that cloud is told so.
 */
export function makeComputeHost(directory: string, host: string, control: string): ComputeHost {
  const user = 'nova-of-the-demo';
  const bin = join(directory, 'bin');
  const home = join(directory, 'home');
  mkdirSync(bin, { recursive: true });
  mkdirSync(join(home, '.nova'), { recursive: true });
  const { hostname, port } = new URL(control);
  executable(
    join(bin, 'nova-compute'),
    `#!/bin/bash\ndir=${quoted(directory)} host=${quoted(host)} address=${hostname} port=${port}\n${readFileSync(program, 'utf8')}`,
  );
  const line = `${user}:x:${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}::${home}:/bin/sh`;
  executable(join(bin, 'getent'), `#!/bin/sh\n[ "$3" = ${user} ] || exit 2\necho ${quoted(line)}\n`);
  // Its disks lie on Ceph, so that there is nothing to warn of.
  writeFileSync(
    join(home, '.nova', 'nova.conf'),
    `[DEFAULT]\nhost = ${host}\n[libvirt]\nimages_type = rbd\n`,
  );
  const computePid = () => {
    const file = join(directory, 'pid');
    const pid = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
    return pid > 0 && isOurs(pid, join(bin, 'nova-compute')) ? pid : null;
  };
  return {
    bin,
    user,
    computePid,
    stop: () => {
      const pid = computePid();
      if (pid !== null) process.kill(pid, 'SIGKILL');
    },
  };
}

/** Its number may be somebody else's by now. */
function isOurs(pid: number, path: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(path);
  } catch {
    return false;
  }
}

function executable(path: string, text: string): void {
  writeFileSync(path, text);
  chmodSync(path, 0o755);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
