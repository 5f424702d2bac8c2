/** A hypervisor's id is that of its resource provider from 2.53 on. */
export const hypervisorIdsFrom = 53;

/**
 * From 2.88 on Nova asks every host in turn for its uptime when the hypervisors are listed, and waits a minute for each that
 * hangs.
 */
export const hypervisorsUpTo = 87;
