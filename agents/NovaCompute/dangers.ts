import type { NovaConf } from './novaConf/index.ts';

export interface DangerFacts {
  readonly conf: NovaConf;
  /** The parameter `no_shared_storage`. */
  readonly noSharedStorage: boolean;
  /** proc(5) mountinfo as nova-compute sees it (`Runtime.mountInfo`); null: not known, nothing is said of storage. */
  readonly mountInfo: string | null;
  /** This machine's clock minus the API's, in ms; null: not known. */
  readonly clockOffsetMs: number | null;
}

/** Nova takes a service for down after 60 s without a sign (`service_down_time`), by the clocks of both machines. */
const MOST_CLOCK_OFFSET_MS = 10_000;
/** File systems that several machines see, as the kernel names them. */
const SHARED =
  /^(nfs4?|ceph|glusterfs|gfs2?|ocfs2|lustre|gpfs|beegfs|cifs|smb3|9p|virtiofs|afs|orangefs|pvfs2|vxfs|moosefs|quobyte|pxd)$/;
const SHARED_FUSE =
  /^fuse\.(glusterfs|ceph|ceph-fuse|quobyte|mfs|moosefs|sshfs|s3fs|juicefs|lizardfs|vstorage|weka.*|dfuse|orangefs)$/;

/** What of this machine breaks recovery: one sentence each, with the option, its file, the danger and the cure. */
export function dangers(facts: DangerFacts): readonly string[] {
  return [resumesGuests(facts), storageNotShared(facts), clockIsOff(facts)].flatMap(
    (sentence) => sentence ?? [],
  );
}

/** nova/compute/manager.py `_resume_guests_state` */
function resumesGuests({ conf }: DangerFacts): string | null {
  const option = 'resume_guests_state_on_host_boot';
  if (!conf.boolean('DEFAULT', option, false)) return null;
  const file = conf.get('DEFAULT', option)?.file ?? 'nova.conf';
  return (
    `${option} is set in ${file}: nova-compute then starts by itself the instances that Nova still counts to this ` +
    'host, also one that is about to be evacuated, and its disk would be in use twice. Set it to false: ' +
    'instances that stay are started when the host is released.'
  );
}

function storageNotShared({ conf, noSharedStorage, mountInfo }: DangerFacts): string | null {
  if (noSharedStorage || mountInfo === null) return null;
  const images = conf.get('libvirt', 'images_type');
  if (images?.value.toLowerCase() === 'rbd') return null;
  const set = conf.get('DEFAULT', 'instances_path');
  const path = set?.value || `${conf.get('DEFAULT', 'state_path')?.value || '/var/lib/nova'}/instances`;
  const type = fileSystemOf(mountInfo, path);
  if (type === null || isShared(type)) return null;
  const where =
    set === null ? 'instances_path, which no configuration file sets,' : `instances_path in ${set.file}`;
  return (
    `${where} leads to ${path}, on a file system of this machine alone (${type}), and no_shared_storage is not set: ` +
    'an evacuated instance finds no disk on another host. Set no_shared_storage=true to have such disks made anew ' +
    'from their images, or keep instances_path, or images_type in [libvirt], on shared storage.'
  );
}

function clockIsOff({ clockOffsetMs }: DangerFacts): string | null {
  if (clockOffsetMs === null || Math.abs(clockOffsetMs) <= MOST_CLOCK_OFFSET_MS) return null;
  const seconds = Math.round(Math.abs(clockOffsetMs) / 1000);
  const direction = clockOffsetMs > 0 ? 'ahead of' : 'behind';
  return (
    `The clock of this machine is ${seconds} s ${direction} that of the OpenStack API: Nova judges by the time of ` +
    'its last sign whether nova-compute is alive, and would be wrong. Have both keep time by NTP.'
  );
}

function isShared(type: string): boolean {
  return SHARED.test(type) || SHARED_FUSE.test(type);
}

/** The type of the file system that a path is on; null when the table does not tell. The last of equal mounts counts. */
function fileSystemOf(mountInfo: string, path: string): string | null {
  let best: { readonly length: number; readonly type: string } | null = null;
  for (const line of mountInfo.split('\n')) {
    // ID PARENT MAJOR:MINOR ROOT MOUNT-POINT OPTIONS [OPTIONAL...] - TYPE SOURCE SUPER-OPTIONS (proc(5))
    const [before = '', after = ''] = line.split(' - ', 2);
    const point = unescaped(before.split(' ')[4] ?? '');
    const type = after.split(' ')[0] ?? '';
    if (point === '' || type === '') continue;
    const covers = point === '/' || path === point || path.startsWith(`${point}/`);
    if (covers && (best === null || point.length >= best.length)) best = { length: point.length, type };
  }
  return best?.type ?? null;
}

/** Blanks and the like stand as octal numbers in the table. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
