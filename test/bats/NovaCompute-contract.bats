#!/usr/bin/env bats
# NovaCompute's contract with Pacemaker's executor: actions, exit codes, what it needs of its surroundings.

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

@test "start, monitor, stop, monitor: 0, 0, 0, 7; nothing is said, and Nova is never asked" {
  run -7 on_host probe
  assert_output ''
  run -0 on_host start
  assert_output ''
  fake_runs comp0
  run -0 on_host monitor
  assert_output ''
  run -0 on_host monitor
  run -0 on_host probe
  run -0 on_host stop
  assert_output ''
  run ! fake_runs comp0
  run -7 on_host probe
  assert_output ''
  assert_equal "$(sim_count)" 0
  # Nor is the cluster asked again once nothing is owed.
  run ls "$(state_file '')"* "${FAKE_NOVA_COMPUTE%/*}"
  refute_output --partial 'nova-compute.release'
}

@test "an idle monitor starts no process: neither Pacemaker's tools nor anything else" {
  on_host start
  on_host monitor
  cluster calls clear
  run -0 on_host monitor
  assert_equal "$(cluster calls)" ''
}

@test "start and stop twice: 0, and there is one nova-compute" {
  run -0 on_host start
  run -0 on_host start
  assert_output ''
  assert_equal "$(fake_starts comp0)" 1
  run -0 on_host stop
  run -0 on_host stop
}

@test "what it starts has a session of its own and nothing of the agent's: no parameter, no password" {
  run -0 on_host start
  run cat "$(fake_dir comp0)/environ"
  refute_output --partial adminpw
  refute_output --partial OCF_
  refute_output --partial CRM_
  read -r pid session _ <"$(fake_dir comp0)/started"
  assert_equal "$session" "session=$pid"
}

@test "a probe on a machine without nova-compute is 7, never 6, whatever the parameters" {
  local engine
  for engine in podman docker; do
    printf '#!/bin/sh\necho "Error: no such container" >&2\nexit 125\n' >"$BATS_TEST_TMPDIR/bin/$engine"
    chmod 0755 "$BATS_TEST_TMPDIR/bin/$engine"
  done
  for parameters in '' runtime=process runtime=systemd runtime=podman runtime=docker runtime=nonsense \
    'auth_url= username= password= tenant_name=' 'endpoint_type=nonsense evacuation_delay=soon'; do
    # shellcheck disable=SC2086
    PATH=$BATS_TEST_TMPDIR/bin:/usr/bin:/bin run -7 compute probe $parameters
    assert_output ''
  done
}

@test "a probe needs no cluster, no nova.conf and no cloud" {
  on_host start
  cluster down
  rm "$COMPUTE_HOME/.nova/nova.conf"
  run -0 on_host probe
  cloud_stop
  fake_compute_stop comp0
  run -7 on_host probe
}

@test "monitor tells the truth with parameters that are broken" {
  on_host start
  run -0 on_host monitor auth_url= password= endpoint_type=nonsense evacuation_delay=soon
  run -0 on_host probe auth_url= endpoint_type=nonsense
  run -0 compute monitor runtime=nonsense user=novatest
}

@test "stop works without parameters, without OpenStack, without a cluster" {
  on_host start
  cloud_stop
  cluster down
  run -0 compute stop auth_url= username= password= tenant_name= user=novatest
  assert_output ''
  run ! fake_runs comp0
}

@test "stop ends what is there although runtime, unit and container name nothing that is" {
  for broken in runtime=nonsense 'runtime=podman container=nosuch' 'runtime=systemd unit=nosuch.service'; do
    on_host start
    # shellcheck disable=SC2086
    run -0 compute stop user=novatest $broken
    run ! fake_runs comp0
  done
}

@test "stop on a machine without nova-compute is 0" {
  PATH=/usr/bin:/bin run -0 compute stop
  PATH=/usr/bin:/bin run -0 compute stop runtime=podman
}

@test "stop is graceful, then firm, within its timeout" {
  touch "$(fake_dir comp0)/deaf"
  on_host start
  local before=$SECONDS
  COMPUTE_TIMEOUT=6000 run -0 on_host stop
  run ! fake_runs comp0
  assert [ $((SECONDS - before)) -le 6 ]
}

@test "stop lets it end in its own time" {
  echo 2 >"$(fake_dir comp0)/slow_stop"
  on_host start
  run -0 on_host stop
  run ! fake_runs comp0
  run cat "$(state_file out)"
  assert_line --partial 'Caught SIGTERM, exiting'
}

@test "stop while a start hangs in another process: 0, and the start starts nothing afterwards" {
  mark comp0
  COMPUTE_RUN="exec setsid" on_host start >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
  local pid=$!
  wait_until 10 pulses comp0
  run -0 on_host stop
  assert_equal "$(shown comp0)" ''
  kill -KILL -- "-$pid"
  assert_equal "$(fake_starts comp0)" 0
}

@test "meta-data as nobody, with an empty environment" {
  local as=() place
  if [[ $EUID == 0 ]]; then
    as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
  fi
  # Where everybody can reach it, wherever the checkout is.
  place=$(mktemp -d)
  cp "$REPO/dist/NovaCompute" "$place/"
  chmod 755 "$place" "$place/NovaCompute"
  run -0 --separate-stderr "${as[@]}" env -i "$place/NovaCompute" meta-data
  rm -r "$place"
  assert_line --partial '<resource-agent name="NovaCompute"'
  assert_equal "$stderr" ''
  for name in auth_url username password tenant_name domain endpoint_type region_name insecure no_shared_storage \
    verbose user_domain project_domain evacuation_delay runtime unit container user; do
    assert_output --partial "name=\"$name\""
  done
  for action in 'name="start" timeout="600"' 'name="stop" timeout="300"' \
    'name="monitor" timeout="20" interval="10" depth="0"' 'name="monitor" timeout="60" interval="60" depth="10"' \
    'name="validate-all" timeout="20"' 'name="meta-data" timeout="5"'; do
    assert_line "<action $action />"
  done
  refute_output --partial '"wait"'
}

@test "notify is 0 whatever else is wrong; usage and help are 0 and name wait; another word is 3" {
  run -0 compute notify auth_url= runtime=nonsense
  assert_output ''
  run -0 compute usage
  assert_output --partial 'wait [SECONDS]'
  run -0 compute help
  run -3 compute promote
  assert_output --partial 'usage: NovaCompute {start|stop|monitor|validate-all|meta-data|wait|notify|usage}'
}

@test "validate-all: 0 with good parameters, also where there is no nova-compute; nobody is asked" {
  run -0 compute validate-all PATH=/usr/bin:/bin
  assert_equal "$(sim_count)" 0
  assert_equal "$(cluster calls)" ''
}

@test "by hand, from a shell with nothing but OCF_RESKEY_*: works, messages on the terminal's stderr" {
  ocf_environment
  PATH=$(cluster on comp0):$PATH
  export PATH OCF_RESKEY_runtime=process OCF_RESKEY_user=novatest HA_RSCTMP=$BATS_TEST_TMPDIR/rsctmp
  run -0 "$REPO/dist/NovaCompute" start
  assert_output --partial 'Starting nova-compute on comp0'
  run -0 "$REPO/dist/NovaCompute" monitor
  run -0 "$REPO/dist/NovaCompute" stop
}

@test "a state directory that cannot be written: start is 1, says which, and starts nothing" {
  : >"$BATS_TEST_TMPDIR/file"
  run -1 on_host start HA_RSCTMP="$BATS_TEST_TMPDIR/file"
  assert_regex "$(reason)" "^Invalid state directory $BATS_TEST_TMPDIR/file: "
  assert_equal "$(fake_starts comp0)" 0
}
