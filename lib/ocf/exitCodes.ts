/**
 * Exit codes of resource agents (OCF resource agent API 1.1, "Exit status codes"; 190 and 191 are Pacemaker's
 * extension for a resource that runs and needs attention all the same).
 */
export const OcfExit = {
  success: 0,
  generic: 1,
  args: 2,
  unimplemented: 3,
  perm: 4,
  installed: 5,
  configured: 6,
  notRunning: 7,
  runningPromoted: 8,
  failedPromoted: 9,
  degraded: 190,
  degradedPromoted: 191,
} as const;

export type OcfExit = (typeof OcfExit)[keyof typeof OcfExit];
