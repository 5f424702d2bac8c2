import type { CallOptions, NovaClient, ServerId } from '@openstack-ts/nova-client';

/** Switches a guest on, or off, in place. What Nova refuses is thrown. */
export async function powerGuest(
  nova: NovaClient,
  id: ServerId,
  how: 'start' | 'reboot' | 'stop',
  options: CallOptions,
): Promise<void> {
  switch (how) {
    case 'start':
      await nova.startServer(id, options);
      return;
    case 'reboot':
      await nova.rebootServer(id, 'HARD', options);
      return;
    case 'stop':
      // One in ERROR cannot be stopped.
      await nova.resetServerState(id, 'active', options);
      await nova.stopServer(id, options);
  }
}
