// Bodies of the shape that Nova 26 (Zed) and Glance 25 gave when they were asked, cut down to a record or two.

export const service = (more: Record<string, unknown> = {}) => ({
  binary: 'nova-compute',
  host: 'comp1',
  id: '225e0dd0-1a12-4ec0-b335-bcece8ea9b99',
  zone: 'nova',
  status: 'enabled',
  state: 'down',
  updated_at: '2026-11-21T02:26:58.000000',
  disabled_reason: null,
  forced_down: true,
  ...more,
});

/** A server as an administrator sees it from 2.47 on. */
export const server = (more: Record<string, unknown> = {}) => ({
  id: 'd15a8d3e-4c82-42dc-9c19-c087c63f49b3',
  name: 'web-1',
  status: 'ACTIVE',
  tenant_id: '6ed5c9b5bd574ec68fc1d93c9a4cc779',
  user_id: '77b719db1a9a4e078f6739eb67da8728',
  metadata: { role: 'web' },
  hostId: 'b772eb6e13a249a39999db76f0472da0bbec5deef8de171db3c3a793',
  image: { id: '11111111-1111-4111-8111-111111111111', links: [] },
  flavor: {
    vcpus: 2,
    ram: 128,
    disk: 1,
    ephemeral: 5,
    swap: 64,
    original_name: 'm1.tiny',
    extra_specs: { evacuable: 'true' },
  },
  created: '2026-11-21T02:26:56Z',
  updated: '2026-11-21T02:27:26Z',
  addresses: {},
  accessIPv4: '',
  links: [],
  'OS-DCF:diskConfig': 'MANUAL',
  'OS-EXT-AZ:availability_zone': 'nova',
  'OS-EXT-SRV-ATTR:host': 'comp1',
  'OS-EXT-SRV-ATTR:instance_name': 'instance-0000004c',
  'OS-EXT-SRV-ATTR:hypervisor_hostname': 'comp1',
  'OS-EXT-STS:task_state': null,
  'OS-EXT-STS:vm_state': 'active',
  'OS-EXT-STS:power_state': 1,
  'os-extended-volumes:volumes_attached': [],
  locked: false,
  ...more,
});

/** The same below 2.9: a reference to the flavour, no lock. */
export const oldServer = (more: Record<string, unknown> = {}) => {
  const { locked: _, ...rest } = server({ flavor: { id: '1', links: [] }, ...more });
  return rest;
};

export const fault = {
  code: 500,
  created: '2026-11-21T02:27:26Z',
  message: 'No valid host was found. ',
  details: 'Traceback (most recent call last): …',
};

export const migration = (more: Record<string, unknown> = {}) => ({
  id: 72,
  uuid: '72007c15-6151-4ae3-bdaf-520d4cb7f6ff',
  source_compute: 'comp1',
  dest_compute: 'comp2',
  source_node: 'comp1',
  dest_node: 'comp2',
  dest_host: '192.168.0.1',
  old_instance_type_id: null,
  new_instance_type_id: null,
  instance_uuid: 'e590cd65-63e8-4693-ab75-1653f17e1c49',
  status: 'done',
  migration_type: 'evacuation',
  user_id: '77b719db1a9a4e078f6739eb67da8728',
  project_id: '6ed5c9b5bd574ec68fc1d93c9a4cc779',
  created_at: '2026-11-21T02:27:30.000000',
  updated_at: '2026-11-21T02:27:31.000000',
  ...more,
});

export const flavor = (more: Record<string, unknown> = {}) => ({
  id: '2',
  name: 'm1.evacuable',
  ram: 128,
  disk: 1,
  swap: 0,
  'OS-FLV-EXT-DATA:ephemeral': 0,
  'OS-FLV-DISABLED:disabled': false,
  vcpus: 1,
  'os-flavor-access:is_public': true,
  rxtx_factor: 1.0,
  links: [],
  ...more,
});

export const image = (more: Record<string, unknown> = {}) => ({
  id: 'fefdf743-67a8-4c5d-8e1e-cdd65144c01f',
  name: 'cirros-evacuable',
  disk_format: 'raw',
  visibility: 'public',
  size: null,
  status: 'active',
  os_hidden: false,
  tags: ['evacuable'],
  ...more,
});

/** As Cinder's API reference and its view builder have it (v3, a volume made from an image, booted from). */
export const volume = (more: Record<string, unknown> = {}) => ({
  id: '4ecb6e75-7a23-4b9a-a1d8-5a0e2dbcb2ef',
  name: 'root of web-1',
  status: 'in-use',
  size: 1,
  bootable: 'true',
  attachments: [
    {
      id: '4ecb6e75-7a23-4b9a-a1d8-5a0e2dbcb2ef',
      attachment_id: '3dafcac4-1cb9-4b60-a227-d729baa10cf6',
      volume_id: '4ecb6e75-7a23-4b9a-a1d8-5a0e2dbcb2ef',
      server_id: 'd15a8d3e-4c82-42dc-9c19-c087c63f49b3',
      host_name: 'comp1',
      device: '/dev/vda',
    },
  ],
  metadata: {},
  volume_image_metadata: {
    image_id: 'fefdf743-67a8-4c5d-8e1e-cdd65144c01f',
    image_name: 'cirros-evacuable',
    min_ram: '0',
    evacuable: 'false',
  },
  ...more,
});

export const hypervisor = (more: Record<string, unknown> = {}) => ({
  id: '32c98b7d-1df4-4bda-b0cf-64ffcb096a1a',
  hypervisor_hostname: 'comp1.example.org',
  state: 'up',
  status: 'enabled',
  hypervisor_type: 'fake',
  hypervisor_version: 1000,
  host_ip: '127.0.0.1',
  service: { id: '7b1b453f-02b2-4e0d-a7e7-9ac679a823af', host: 'comp1', disabled_reason: null },
  vcpus: 8,
  memory_mb: 8192,
  running_vms: 0,
  cpu_info: {},
  ...more,
});

/** One of Placement's `provider_summaries` (1.29); counts as `[capacity, used]`. */
export const summary = (root: string, counts: Readonly<Record<string, readonly [number, number]>>) => ({
  resources: Object.fromEntries(
    Object.entries(counts).map(([name, [capacity, used]]) => [name, { capacity, used }]),
  ),
  traits: ['COMPUTE_NODE', 'HW_CPU_X86_SSE2'],
  parent_provider_uuid: null,
  root_provider_uuid: root,
});
