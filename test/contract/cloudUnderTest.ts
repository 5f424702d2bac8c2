import type { Account } from './wire.ts';

/** What the suite does to a cloud past its API, on the simulator and in the lab alike. Hosts by Nova's names. */
export interface CloudUnderTest {
  readonly kind: 'simulator' | 'real';
  /** With `/v3`. */
  readonly authUrl: string;
  readonly admin: Account;
  /** One who is no administrator. */
  readonly member: Account;
  /** An image and a flavour to boot from. */
  readonly image: string;
  readonly flavor: string;
  /** A flavour with the extra spec evacuable=true, and an image with the tag evacuable. */
  readonly taggedFlavor: string;
  readonly taggedImage: string;
  /** Which endpoints of the catalogue are asked. */
  readonly region: string;
  /** How long until a killed nova-compute certainly is down, ms. */
  readonly downAfter: number;
  /** Whether the disks of instances lie on shared storage: what `onSharedStorage` has to say. */
  readonly sharedStorage: boolean;
  /** How often a nova-compute reports, ms. */
  readonly reportInterval: number;
  killCompute(host: string): Promise<void>;
  /** Every guest of a host is off, as after a power cut; its nova-compute does not run. */
  guestsOff(host: string): Promise<void>;
  startCompute(host: string): Promise<void>;
  /** Every spawn on the host takes that long; null = as ever. */
  spawnDelay(host: string, seconds: number | null): Promise<void>;
  spawnFail(host: string, on: boolean): Promise<void>;
  /** Whether every host finds the disks of the others' instances; `sharedStorage` says how it is without that. */
  sharedDisks(on: boolean): Promise<void>;
  /** nova-conductor stops and starts. */
  conductor(on: boolean): Promise<void>;
  close(): Promise<void>;
}
