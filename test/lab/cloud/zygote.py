#!/usr/bin/python3
"""Imports Nova once and forks every Nova service from it: a start costs one import (4 s of CPU) instead of seven,
and a restarted nova-compute is there in under a second.

  zygote.py serve SOCKET NOVA.CONF                    the daemon
  zygote.py start SOCKET LOG PIDFILE SERVICE [ARGS]   SERVICE: compute conductor scheduler api

A service runs in the namespaces of whoever asked for it: asked from inside a node of the lab, it has that node's
network and dies with that node's PID 1. Each is a process, and a session, of its own.
"""
import json
import os
import signal
import sys

if sys.argv[1] == 'start':
    import socket
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(60)
    s.connect(sys.argv[2])
    s.sendall(json.dumps({'log': sys.argv[3], 'pidfile': sys.argv[4], 'argv': sys.argv[5:]}).encode() + b'\n')
    answer = s.makefile().readline().strip()
    sys.exit(0 if answer.isdigit() or answer == 'already runs' else 'zygote: ' + answer)

here = os.path.dirname(os.path.abspath(__file__))
import ctypes
import importlib
import pwd
import struct

# Importing nova.cmd monkey-patches for eventlet, so it comes before anything else of Nova.
commands = {}
for service, module in {'compute': 'compute', 'conductor': 'conductor', 'scheduler': 'scheduler',
                        'api': 'api_os_compute'}.items():
    try:
        commands[service] = importlib.import_module('nova.cmd.' + module)
    except ModuleNotFoundError as e:
        print('no service', service, e, flush=True)  # from 2026.1 on the API is a WSGI application and nothing else
import nova.conf
# The intervals of periodic tasks are read when the managers are imported: parse nova.conf before that. Each
# service parses its own files again.
nova.conf.CONF(['--config-file', sys.argv[3]], project='nova', default_config_files=[])
for module in ('nova.compute.manager', 'nova.conductor.manager', 'nova.scheduler.manager', 'nova.virt.fake',
               'nova.api.openstack.compute', 'nova.api.openstack.compute.routes', 'nova.db.main.api',
               'nova.db.api.api', 'oslo_messaging._drivers.impl_rabbit', 'keystonemiddleware.auth_token',
               'nova.api.auth', 'nova.api.openstack.urlmap', 'pymysql', 'kombu.transport.pyamqp',
               'oslo_db.sqlalchemy.enginefacade', 'sqlalchemy.dialects.mysql.pymysql', 'nova.network.neutron',
               'nova.image.glance', 'glanceclient', 'glanceclient.v2.client', 'neutronclient.v2_0.client',
               'keystoneauth1.loading', 'keystoneauth1.identity', 'openstack'):
    try:
        importlib.import_module(module)
    except ImportError as e:
        print('not preloaded:', module, e, flush=True)
nova.conf.CONF.reset()
sys.path.append(os.path.join(here, 'virt'))
import changes
changes.make()
# Later imports would be those of a service's own user, who may not be let into this directory.
importlib.import_module('nova.virt.labfake')

from eventlet.patcher import original
import gc
gc.collect()
gc.freeze()
socket = original('socket')
ros = original('os')
libc = ctypes.CDLL(None, use_errno=True)


def setns(fd):
    if libc.setns(fd, 0) != 0:
        raise OSError(ctypes.get_errno(), 'setns')


def run(request, connection, server):
    """The service itself: never returns."""
    ros.setsid()
    command = request['argv'][0]
    fd = ros.open(request['log'], ros.O_WRONLY | ros.O_APPEND | ros.O_CREAT, 0o644)
    for i in (1, 2):
        ros.dup2(fd, i)
    connection.close()
    server.close()
    import eventlet.hubs
    eventlet.hubs.use_hub()  # or all services share one epoll descriptor and spin
    import random
    random.seed()
    if command == 'compute':
        user = pwd.getpwnam('nova')  # the node's, not the machine's
        ros.initgroups(user.pw_name, user.pw_gid)
        ros.setgid(user.pw_gid)
        ros.setuid(user.pw_uid)
    sys.argv = ['nova-' + command] + request['argv'][1:]
    try:
        rc = commands[command].main() or 0
    except SystemExit as e:
        rc = e.code if isinstance(e.code, int) else 1
    except BaseException:
        import traceback
        traceback.print_exc()
        rc = 1
    sys.stdout.flush()
    sys.stderr.flush()
    ros._exit(rc)


def began(pid):
    """When a process began, in ticks since the machine booted: with it an id that came round again is not taken
    for the service."""
    with open('/proc/%d/stat' % pid) as f:
        return f.read().rpartition(')')[2].split()[19]


def record(request, connection, pid):
    with open(request['pidfile'], 'w') as f:
        f.write('%d %s\n' % (pid, began(pid)))
    connection.sendall(b'%d\n' % pid)


def start_in_node(request, connection, server, namespaces, recorded):
    """Runs in a child of the zygote that stays the parent of the service, so that somebody reaps it: the kernel
    waits for that before it lets the node's PID 1 go. Entering a pid namespace takes effect for children only.
    Closes `recorded` when the service can be seen to run."""
    ros.setsid()
    setns(namespaces['pid'])
    pid = ros.fork()
    if pid == 0:
        ros.close(recorded)
        for kind in ('net', 'uts', 'ipc', 'mnt'):
            setns(namespaces[kind])
        for descriptor in namespaces.values():
            ros.close(descriptor)
        run(request, connection, server)
    record(request, connection, pid)
    ros.close(recorded)
    connection.close()
    server.close()
    for descriptor in namespaces.values():
        ros.close(descriptor)
    ros.waitpid(pid, 0)
    ros._exit(0)


def runs(pidfile):
    try:
        with open(pidfile) as f:
            pid, at = f.read().split()
        return began(int(pid)) == at
    except (OSError, ValueError, IndexError):
        return False


path = sys.argv[2]
try:
    os.unlink(path)
except OSError:
    pass
server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
server.bind(path)
server.listen(16)
signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children are reaped by the kernel
own_pid_namespace = ros.readlink('/proc/self/ns/pid')
while True:
    connection, _ = server.accept()
    try:
        peer = struct.unpack('3i', connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
        request = json.loads(connection.makefile().readline())
        if runs(request['pidfile']):
            connection.sendall(b'already runs\n')
            connection.close()
            continue
        elsewhere = ros.readlink('/proc/%d/ns/pid' % peer) != own_pid_namespace
        namespaces = {}
        if elsewhere:
            for kind in ('pid', 'net', 'uts', 'ipc', 'mnt'):
                namespaces[kind] = ros.open('/proc/%d/ns/%s' % (peer, kind), ros.O_RDONLY | ros.O_CLOEXEC)
        done, recorded = ros.pipe()
        child = ros.fork()
        if child == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            ros.close(done)
            if elsewhere:
                start_in_node(request, connection, server, namespaces, recorded)
            ros.close(recorded)
            run(request, connection, server)
        ros.close(recorded)
        if elsewhere:
            ros.read(done, 1)  # its end: whoever asks for the same service next must find it running
        ros.close(done)
        for descriptor in namespaces.values():
            ros.close(descriptor)
        if not elsewhere:
            record(request, connection, child)
    except Exception as e:
        print('zygote:', repr(e), flush=True)
        try:
            connection.sendall(repr(e).encode() + b'\n')
        except Exception:
            pass
    connection.close()
