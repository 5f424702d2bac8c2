import { type CallOptions, type NovaClient, NovaError, type ServerId } from '@openstack-ts/nova-client';
import { rethrowUnless } from '../../rethrow.ts';

/** Whether a guest runs where its instance is, as its hypervisor says. */
export type GuestPower =
  | { readonly kind: 'runs' }
  | { readonly kind: 'off' }
  /** It could not be asked. `why` has no full stop. */
  | { readonly kind: 'untold'; readonly why: string };

export async function guestPower(nova: NovaClient, id: ServerId, options: CallOptions): Promise<GuestPower> {
  try {
    return (await nova.isGuestRunning(id, options)) ? { kind: 'runs' } : { kind: 'off' };
  } catch (error) {
    rethrowUnless(error, NovaError);
    return { kind: 'untold', why: error.message };
  }
}
