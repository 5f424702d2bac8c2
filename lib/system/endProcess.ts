/** What a thread of libuv's pool carries out and nobody can call back: a file below a hung NFS, a name that no server answers. */
const HELD_BY_A_THREAD = new Set([
  'FSReqPromise',
  'FSReqCallback',
  'GetAddrInfoReqWrap',
  'GetNameInfoReqWrap',
]);

/**
 * Ends the process at once, without waiting for the event loop to run dry: an idle keep-alive connection, or a child
 * nobody reads any more, would hold up the cluster.
 *
 * `process.exit` joins the threads of libuv's pool, and one that looks up a name may take minutes. Where something
 * is left to a thread the process becomes a shell that ends with the code: the kernel ends all threads for that.
 */
export function endProcess(code: number): never {
  if (process.getActiveResourcesInfo().some((each) => HELD_BY_A_THREAD.has(each))) {
    process.execve?.('/bin/sh', ['sh', '-c', `exit ${code}`], {});
  }
  process.exit(code);
}
