#!/usr/bin/env bats
# What is wrong is one sentence and the right exit code, before anything is done.

bats_require_minimum_version 1.5.0

setup_file() { export BATS_NO_PARALLELIZE_WITHIN_FILE=true; }
setup() {
  load helpers/simulators
  load helpers/computeHost
  cloud_start --speed 20
  cluster_start ctl0 comp0 comp1 comp2
  compute_host comp0
}
teardown() {
  fake_compute_stop comp0
  cloud_stop
}

# refused CODE REGEX [KEY=VALUE...]   a start is refused with one sentence, and nothing was done
refused() {
  local code=$1 sentence=$2
  run "-$code" on_host start "${@:3}"
  assert_regex "$(reason)" "$sentence"
  assert_equal "$(grep -c . <<<"$output")" 1
  refute_output --partial '    at '
  assert_equal "starts: $(fake_starts comp0), requests: $(sim_count)" 'starts: 0, requests: 0'
  refute [ -e "$(state_file release)" ]
  assert_equal "$(cluster calls | grep -v -e --query -e cibadmin)" ''
}

@test "a parameter that is missing or nonsense: 6, by name" {
  refused 6 '^auth_url not configured$' auth_url=
  refused 6 '^password not configured$' password=
  refused 6 'endpoint_type is "nonsense"' endpoint_type=nonsense
  refused 6 'evacuation_delay is "soon"; it must be a whole number' evacuation_delay=soon
  refused 6 'evacuation_delay is "-1"' evacuation_delay=-1
  refused 6 'auth_url is not an http or https address' auth_url=keystone
  refused 5 '/nosuch/ca.pem of cacert cannot be read' cacert=/nosuch/ca.pem
}

@test "an unknown runtime: 6, with those there are" {
  refused 6 'runtime is "lxc"; it must be one of auto, process, systemd, podman, docker' runtime=lxc
}

@test "no nova-compute on the machine: 5" {
  rm "$FAKE_NOVA_COMPUTE"
  refused 5 'nova-compute is not installed on this machine'
}

@test "a user that does not exist: 5, by name" {
  refused 5 'no user nosuch on this machine' user=nosuch
}

@test "a container that does not exist, and an engine that does not: 5" {
  printf '#!/bin/sh\necho "Error: no such container" >&2\nexit 125\n' >"$BATS_TEST_TMPDIR/bin/podman"
  chmod 0755 "$BATS_TEST_TMPDIR/bin/podman"
  refused 5 'no podman container nova_komputer on this machine' runtime=podman container=nova_komputer
}

@test "a container that is given no nova.conf: 5, with the places that were looked at" {
  printf '#!/bin/sh\necho "[{\\"State\\": {\\"Status\\": \\"exited\\", \\"Pid\\": 0}, \\"Mounts\\": []}]"\n' >"$BATS_TEST_TMPDIR/bin/podman"
  chmod 0755 "$BATS_TEST_TMPDIR/bin/podman"
  refused 5 'No nova.conf was found in what is mounted into the container nova_compute' runtime=podman
}

@test "no nova.conf: 5, with the file's name" {
  rm "$COMPUTE_HOME/.nova/nova.conf"
  refused 5 '/etc/nova/nova.conf does not exist'
}

@test "a nova.conf that cannot be read, or is none: 5, with the file's name" {
  rm "$COMPUTE_HOME/.nova/nova.conf"
  mkdir "$COMPUTE_HOME/.nova/nova.conf"
  refused 5 "$COMPUTE_HOME/.nova/nova.conf: "
  rmdir "$COMPUTE_HOME/.nova/nova.conf"
  printf 'host comp0\n' >"$COMPUTE_HOME/.nova/nova.conf"
  refused 5 "$COMPUTE_HOME/.nova/nova.conf line 1"
}

@test "a Nova host that fencing this node would not find: 5, both names and the way out" {
  nova_conf 'host = hypervisor9.example.org'
  refused 5 'Fencing node comp0 would not find the Nova host hypervisor9.example.org .*nova.conf.*pcmk_host_map'
}

@test "the host's name may be the node's first label, or what pcmk_host_map makes of the node" {
  cluster_start ctl0 comp0 remote-comp0
  nova_conf 'host = comp0.example.org'
  run -0 on_host start
  on_host stop
  echo 'remote-comp0:comp0;remote-comp1:comp1' >"$CLUSTER/state/host_map"
  COMPUTE_NODE=remote-comp0 run -0 on_host start
}

@test "pcmk_host_map that leads elsewhere: 5" {
  echo 'comp0:hv-0' >"$CLUSTER/state/host_map"
  refused 5 'Fencing node comp0 \(as hv-0, by its pcmk_host_map\) would not find the Nova host comp0'
}

@test "a pid file of a stranger: neither taken for nova-compute nor touched" {
  sleep 60 3>&- &
  local stranger=$!
  mkdir -p "$BATS_TEST_TMPDIR/rsctmp-comp0"
  echo "$stranger" >"$(state_file pid)"
  run -7 on_host probe
  run -0 on_host start
  fake_runs comp0
  run -0 on_host stop
  kill -0 "$stranger"
  echo "$stranger" >"$(state_file pid)"
  run -0 on_host stop
  kill -0 "$stranger"
  kill "$stranger"
}

@test "settings that break recovery are warned of, by name, and do not hinder the start" {
  nova_conf 'host = comp0' 'resume_guests_state_on_host_boot = true'
  run -0 on_host start
  run log
  assert_line --partial 'WARNING: resume_guests_state_on_host_boot is set in'
}

@test "dies at once: 1 with its last words, without what they hold of secrets; monitor then is 7" {
  printf '%s\n' 'INFO reading nova.conf' \
    'ERROR oslo: transport_url=rabbit://nova:s3cr3t@ctl0:5672/ password=hunter2 is of no use' \
    'ModuleNotFoundError: No module named libvirt' >"$(fake_dir comp0)/die"
  run -1 on_host start
  assert_regex "$(reason)" '^nova-compute died at once: ModuleNotFoundError: No module named libvirt; before that: ERROR oslo'
  for secret in s3cr3t hunter2; do refute_output --partial "$secret"; done
  run -7 on_host monitor
  run -0 on_host stop
  rm "$(fake_dir comp0)/die"
  run -0 on_host start
}

@test "dies later: monitor is 7 with its last words" {
  echo 3 >"$(fake_dir comp0)/die_after"
  echo 'CRITICAL nova: libvirt went away' >"$(fake_dir comp0)/die"
  run -0 on_host start
  wait_until 6 gone comp0
  run -7 on_host monitor
  assert_regex "$(reason)" '^nova-compute is not running any more: CRITICAL nova: libvirt went away'
}

@test "no resource name where there has to be one: 2" {
  run -2 on_host start OCF_RESOURCE_INSTANCE=
}
