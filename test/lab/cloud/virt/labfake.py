"""nova.virt.fake.FakeDriver with what a KVM host has and the stock fake driver lacks: domains that outlive
nova-compute and can be looked at from outside.

/run/lab/hypervisors/<host>.json   the domains of this "hypervisor": {uuid: [name, power state]}. They survive a
                                   restart of nova-compute, and are there for it to destroy after an evacuation.
Knobs, files in /run/lab/knobs, read at each use (NODE is the host's first label, or "all"):
  shared_storage     if it exists, instances' disks are on shared storage (onSharedStorage works)
  NODE.spawn_delay   seconds every spawn takes
  NODE.spawn_fail    if it exists, spawn fails; content: nothing = always, or uuids or names, one per line
"""
import json
import os
import time

from nova.compute import power_state
from nova import exception
from nova.virt import fake
try:
    from nova.virt import node
except ImportError:
    node = None  # before 2023.1 a compute node had no identity of its own

# Directories of a node; outside they are `state/hypervisors` and `state/knobs`.
HYPERVISORS = '/run/lab/hypervisors'
KNOBS = '/run/lab/knobs'


def _knob(host, name):
    for who in (host.split('.')[0], 'all'):
        try:
            with open(os.path.join(KNOBS, '%s.%s' % (who, name))) as f:
                return f.read().strip()
        except FileNotFoundError:
            pass
    return None


class LabFakeDriver(fake.FakeDriver):
    def _file(self):
        return os.path.join(HYPERVISORS, '%s.json' % self._host)

    def _save(self):
        with open(self._file() + '.tmp', 'w') as f:
            json.dump({u: [i.name, i.state] for u, i in self.instances.items()}, f)
        os.rename(self._file() + '.tmp', self._file())

    def init_host(self, host):
        super().init_host(host)
        try:
            with open(self._file()) as f:
                domains = json.load(f)
        except FileNotFoundError:
            domains = {}
        for uuid, (name, state) in domains.items():
            self.instances[uuid] = fake.FakeInstance(name, state, uuid)

    # The stock fake driver makes up another uuid in each process, as if each start were another machine's. This one has
    # the node's, which node/prepare wrote as an installer does.
    def get_available_resource(self, nodename):
        resources = super().get_available_resource(nodename)
        if node:
            resources['uuid'] = node.get_local_node_uuid()
        return resources

    def get_nodenames_by_uuid(self, refresh=False):
        return {node.get_local_node_uuid(): self.get_available_nodes()[0]}

    def instance_on_disk(self, instance):
        return os.path.exists(os.path.join(KNOBS, 'shared_storage'))

    def spawn(self, context, instance, *args, **kwargs):
        delay = _knob(self._host, 'spawn_delay')
        if delay:
            time.sleep(float(delay))  # patched by eventlet: others go on
        fail = _knob(self._host, 'spawn_fail')
        if fail is not None and (fail == '' or instance.uuid in fail.split() or instance.display_name in fail.split()):
            raise exception.BuildAbortException(instance_uuid=instance.uuid, reason='labfake spawn_fail')
        super().spawn(context, instance, *args, **kwargs)
        self._save()

    def destroy(self, *args, **kwargs):
        super().destroy(*args, **kwargs)
        self._save()

    def power_off(self, *args, **kwargs):
        super().power_off(*args, **kwargs)
        self._save()

    def power_on(self, *args, **kwargs):
        super().power_on(*args, **kwargs)
        self._save()

    def reboot(self, context, instance, network_info, reboot_type, *args, **kwargs):
        # A hard reboot defines and starts the domain anew, as libvirt does, whether it is on, off or gone.
        if reboot_type.upper() == 'HARD':
            self.instances[instance.uuid] = fake.FakeInstance(instance.name, power_state.RUNNING, instance.uuid)
            self._save()

    def _set_state(self, instance, state):
        self.instances[instance.uuid].state = state
        self._save()

    def pause(self, instance):
        self._set_state(instance, power_state.PAUSED)

    def unpause(self, instance):
        self._set_state(instance, power_state.RUNNING)

    def suspend(self, context, instance):
        self._set_state(instance, power_state.SUSPENDED)

    def resume(self, context, instance, *args, **kwargs):
        self._set_state(instance, power_state.RUNNING)
