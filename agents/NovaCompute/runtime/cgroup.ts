/** Units in whose cgroup a nova-compute stands that nobody manages but us: an agent's, or somebody's login. */
const NOT_MANAGERS = /^(pacemaker[\w-]*|corosync|user@\d+|sshd?(@.*)?|getty@.*|serial-getty@.*)\.service$/;
const CONTAINER = /^(libpod|docker|crio|cri-containerd|containerd|lxc)([-.].*)?$|^kubepods/;

/** Who besides us looks after a process. */
export interface Manager {
  readonly kind: 'unit' | 'container';
  /** The unit's name, or the cgroup's for a container. */
  readonly name: string;
}

/**
 * Who manages a process, by its `/proc/PID/cgroup` (cgroups(7)): the container or the systemd unit whose cgroup it is
 * in. What the agent itself is in as well (`own`) does not count: Pacemaker's unit, or a container around it all.
 */
export function managerOf(cgroup: string, own: string): Manager | null {
  const ours = new Set(components(own));
  const theirs = components(cgroup).filter((each) => !ours.has(each));
  const container = theirs.find((each) => CONTAINER.test(each));
  if (container !== undefined) return { kind: 'container', name: container };
  const unit = theirs.findLast((each) => each.endsWith('.service') && !NOT_MANAGERS.test(each));
  return unit === undefined ? null : { kind: 'unit', name: unit };
}

/** `ID:CONTROLLERS:/PATH`, one line a hierarchy. */
function components(cgroup: string): readonly string[] {
  return cgroup
    .split('\n')
    .flatMap((line) => line.split(':').slice(2).join(':').split('/'))
    .filter(Boolean);
}
