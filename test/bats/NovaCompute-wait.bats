#!/usr/bin/env bats
# `NovaCompute wait`: holds back a nova-compute that systemd or a container manager starts by itself.

bats_require_minimum_version 1.5.0

setup_file() { export BATS_NO_PARALLELIZE_WITHIN_FILE=true; }
setup() {
  load helpers/simulators
  load helpers/computeHost
  cloud_start --speed 20 --scenario '{"servers": [{"count": 2, "name": "vm", "host": "comp0"}]}'
  cluster_start ctl0 comp0 comp1 comp2
  compute_host comp0
  PATH=$(cluster on comp0):$PATH
}
teardown() { cloud_stop; }

# held [ARGUMENT...]   as ExecStartPre= calls it: nothing of Pacemaker's in the environment
held() {
  $EXEC env -i PATH="$PATH" HA_RSCTMP="$BATS_TEST_TMPDIR/rsctmp" OCF_RESKEY_user=novatest OCF_RESKEY_runtime=process \
    "${WITH[@]}" "$REPO/dist/NovaCompute" wait "$@"
}
WITH=() EXEC=

@test "never fenced: 0 at once, without a login, and nothing is started" {
  run -0 held
  assert_output ''
  assert_equal "starts $(fake_starts comp0), requests $(sim_count)" 'starts 0, requests 0'
}

@test "pending: not before the mark is no; then 0, and nothing is left shown" {
  fail_host comp0
  # Its node has joined again; whoever has not cannot tell what the others know.
  cluster online comp0
  held 30 >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
  local pid=$!
  wait_until 10 pulses comp0
  assert_regex "$(shown comp0)" '^comp0 waits for NovaEvacuate to evacuate it'
  kill -0 "$pid"
  cluster forever evacuate comp0 no
  cluster set evacuate comp0 no
  wait "$pid"
  assert_equal "$(shown comp0)" ''
  run ! pulses comp0
  # The release is NovaEvacuate's: the mark stays.
  assert_marks comp0 no no
  assert_equal "starts $(fake_starts comp0), requests $(sim_count '^PUT')" 'starts 0, requests 0'
}

@test "pending until the time is over: 1 and the sentence" {
  fail_host comp0
  run -1 held 4
  assert_regex "$(reason)" '^comp0 waits for NovaEvacuate to evacuate it, since'
  assert_marks comp0 yes yes
}

@test "with a login it waits for what is in flight, although the mark says no" {
  sim PUT knobs '{"spawn": 8000}'
  fail_host comp0
  evacuation_begins
  cluster online comp0
  cluster forever evacuate comp0 no
  cluster set evacuate comp0 no
  ocf_environment
  WITH=(OCF_RESKEY_auth_url="$CLOUD_AUTH_URL" OCF_RESKEY_username=admin OCF_RESKEY_password=adminpw
    OCF_RESKEY_tenant_name=admin)
  run -1 held 3
  assert_regex "$(reason)" 'waits for its evacuations in flight'
  run -0 held 30
  run ! in_flight
}

@test "a cluster that does not answer is waited for; in the end 1 and why" {
  cluster down
  run -1 held 4
  assert_regex "$(reason)" 'cluster does not answer on this machine'
  held 30 >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
  local pid=$!
  sleep 1
  kill -0 "$pid"
  cluster up
  wait "$pid"
}

@test "a machine that is no cluster node: 5, at once; one whose cluster does not answer: 1, after a while" {
  PATH=$BATS_TEST_TMPDIR/bin:${FAKE_NOVA_COMPUTE%/*}:/usr/bin:/bin
  # The lab installs Pacemaker, without a cluster, on the machine that tests run on.
  if PATH=$PATH:/usr/sbin:/sbin command -v crm_node; then
    run -1 held 3
    assert_regex "$(reason)" 'crm_node'
  else
    run -5 held 30
    assert_regex "$(reason)" 'crm_node is not installed on this machine'
  fi
}

@test "no nova.conf: 5" {
  rm "$COMPUTE_HOME/.nova/nova.conf"
  run -5 held 30
  assert_regex "$(reason)" 'nova.conf does not exist'
}

@test "a name that fencing would not find is a warning" {
  nova_conf 'host = hypervisor9'
  run -0 held
  assert_output --partial 'would not find the Nova host hypervisor9'
}

@test "an argument that is no number: 2; a parameter that is nonsense: 6" {
  for argument in soon -1 1.5 '' 99999999; do
    run -2 held "$argument"
    assert_regex "$(reason)" '^wait takes one number of seconds'
  done
  run -2 held 1 2
  WITH=(OCF_RESKEY_runtime=lxc)
  run -6 held
}

@test "killed in the middle: nothing that the next one stumbles over" {
  fail_host comp0
  cluster online comp0
  held 30 >/dev/null 2>&1 3>&- &
  local pid=$!
  wait_until 10 pulses comp0
  kill -KILL "$pid"
  cluster forever-delete evacuate comp0
  cluster purge comp0
  run -0 held
  assert_equal "$(shown comp0)" ''
}

@test "cut off from the others, or not joined: no mark to be seen is no yes; 1 and why, and 0 once it can be told" {
  for state in no-quorum no-dc "pending comp0"; do
    # shellcheck disable=SC2086
    cluster $state
    run -1 held 3
    assert_regex "$(reason)" '^comp0 waits for the cluster to tell whether it is being evacuated: th(is|e) '
    case $state in
    no-*) cluster "${state#no-}" ;;
    *) cluster online comp0 ;;
    esac
  done
  run -0 held 5
}

@test "a crm_mon that fails or hangs once is asked again" {
  cluster fail crm_mon 1 1 Error
  run -0 held 10
  cluster hang crm_mon
  held 20 >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
  local pid=$!
  sleep 2
  cluster ok crm_mon
  wait "$pid"
}

@test "a cluster that falls silent after it let nova-compute start holds it up for a while only" {
  run -0 held
  cluster down
  run -0 held 8
  assert_output --partial 'WARNING: nova-compute may start although the cluster has not answered for'
  # What the cluster tells again goes before what it told then.
  cluster up
  fail_host comp0
  cluster online comp0
  run -1 held 3
  cluster down
  run -1 held 8
}

@test "an operator's word lets one start through where the cluster is silent, none against its mark" {
  local word=$BATS_TEST_TMPDIR/rsctmp/nova-compute.start-anyway
  mkdir -p "${word%/*}"
  cluster down
  touch "$word"
  run -0 held 10
  assert_output --partial "nova-compute may start as $word says so, once"
  run -1 held 3
  assert_output --partial "touch $word"
  cluster up
  fail_host comp0
  cluster online comp0
  touch "$word"
  run -1 held 6
  assert_output --partial "is removed unheeded"
}

@test "SIGTERM while it waits: 143, and nothing is left shown" {
  fail_host comp0
  cluster online comp0
  EXEC=exec held 30 >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
  local pid=$!
  wait_until 10 pulses comp0
  kill -TERM "$pid"
  local code=0
  wait "$pid" || code=$?
  assert_equal "$code" 143
  assert_regex "$(<"$BATS_TEST_TMPDIR/out")" 'wait was ended by SIGTERM before .*: comp0 waits for NovaEvacuate'
  assert_equal "$(shown comp0)" ''
  run ! pulses comp0
}
