/**
 * The releases of OpenStack that the contract suite has run against for real, and all that differs between them of what
 * the agents can see: each difference stands here, once. The simulated cloud plays a release by these values (the knob
 * `release`); the contract suite (test/contract/releases.contract.ts) holds the real ones to them.
 *
 * What the client may ask for ends at 2.94 (lib/nova-client/src/microversion.ts). Up to there the suite found no difference
 * between Zed, 2025.1 and 2026.2 but the newest microversion.
 */
export type Release = 'victoria' | 'zed' | '2025.1' | '2026.2';

/** What follows from a release. Each is a knob of its own as well, so that a test may have one without the others. */
export interface ReleaseKnobs {
  /** Newest compute microversion (nova/api/openstack/api_version_request.py, _MAX_API_VERSION). */
  maxMicroversion: string;
  /** Newest microversion of Placement (placement/microversion.py, VERSIONS). */
  placementMicroversion: string;
  /**
   * Evacuation of a server that has a task is refused with 409, also of one that is being evacuated
   * (nova/compute/api.py, evacuate: check_instance_state). Until Launchpad 1978983: 26.0 (Zed), 25.1, 24.2, 23.2.2; no
   * version of Victoria has the fix. From then on the task is dropped, and a second evacuation wrecks the first.
   */
  evacuateRefusesTasks: boolean;
  /**
   * forced_down can be taken away while `done` evacuation records of the host remain. Until 24.0 (Xena), not backported
   * (nova/api/openstack/compute/services.py, _check_for_evacuations; Change "api: Reject requests to force up computes
   * when `done` evacuation records exist"). From then on it is 400 until nova-compute has started and completed them.
   */
  forcesUpEarly: boolean;
  /**
   * os-resetState stands among a server's actions (nova/api/openstack/compute/admin_actions.py, _reset_state). Since
   * Launchpad 1911924: 23.0 (Wallaby), 22.2.1.
   */
  recordsResets: boolean;
  /**
   * The look that nova-compute takes at an anti-affinity group before it rebuilds counts members that are on their way
   * to the host as well (nova/compute/manager.py, _validate_instance_group_policy). Since Launchpad 1821755: 24.0 (Xena),
   * 23.0.2, 22.2.2. Before, two that are evacuated at the same time may come to share a host.
   */
  groupCountsArriving: boolean;
  /**
   * A server that this look stops is thrown into ERROR (nova/compute/manager.py, rebuild_instance: GroupAffinityViolation
   * is none of the exceptions that keep its state). Since Launchpad 1996732: 28.0 (2023.2), 27.2, 26.2.1, 25.3. Before, it
   * stays what it was, and its record alone says `failed`.
   */
  groupRefusalIsError: boolean;
}

/** As of Zed; the others differ from it by what they name. */
const zed: ReleaseKnobs = {
  maxMicroversion: '2.93',
  placementMicroversion: '1.39',
  evacuateRefusesTasks: false,
  forcesUpEarly: false,
  recordsResets: true,
  groupCountsArriving: true,
  groupRefusalIsError: true,
};

export const releases: Readonly<Record<Release, Readonly<ReleaseKnobs>>> = {
  /** Nova 22.0.1 (2020), Placement 4.0: Debian 11. */
  victoria: {
    maxMicroversion: '2.87',
    placementMicroversion: '1.36',
    evacuateRefusesTasks: true,
    forcesUpEarly: true,
    recordsResets: false,
    groupCountsArriving: false,
    groupRefusalIsError: false,
  },
  /** Nova 26.2.2 (2022), Placement 8.0: Debian 12. */
  zed,
  /** Nova 31.0.0, Placement 13.0: Debian 13. */
  '2025.1': { ...zed, maxMicroversion: '2.100' },
  /** Nova 34.0.0: Debian sid, late in 2026. */
  '2026.2': { ...zed, maxMicroversion: '2.104' },
};

export function isRelease(name: unknown): name is Release {
  return typeof name === 'string' && Object.hasOwn(releases, name);
}

/** The release whose newest compute microversion that is; undefined for one that the suite has never met. */
export function releaseOf(maxMicroversion: string): Release | undefined {
  return Object.keys(releases)
    .filter(isRelease)
    .find((name) => releases[name].maxMicroversion === maxMicroversion);
}
