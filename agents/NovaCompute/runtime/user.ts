import type { Machine } from './machine.ts';

/** A user of this machine (passwd(5)). */
export interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
}

/** Looks a user up in /etc/passwd, else wherever the name service switch leads (LDAP); null when nobody knows them. */
export async function findUser(
  machine: Pick<Machine, 'read' | 'run' | 'findProgram'>,
  name: string,
): Promise<User | null> {
  const local = parse(machine.read('/etc/passwd') ?? '', name);
  if (local !== null || machine.findProgram('getent') === null) return local;
  const answer = await machine.run('getent', ['passwd', '--', name], 5_000);
  return answer.exitCode === 0 ? parse(answer.stdout, name) : null;
}

function parse(passwd: string, wanted: string): User | null {
  for (const line of passwd.split('\n')) {
    const [name, , uid = '', gid = '', , home = '', shell = ''] = line.split(':');
    if (name === wanted && /^\d+$/.test(uid) && /^\d+$/.test(gid)) {
      return {
        name,
        uid: Number(uid),
        gid: Number(gid),
        home: home || '/',
        shell: shell || '/bin/sh',
      };
    }
  }
  return null;
}
