#!/usr/bin/env bats
# SIGKILL, to the whole process group and without warning, is how Pacemaker ends what is late. Whenever it strikes,
# the next pass goes on, repeats nothing that Nova did or is doing, and the end is right.

bats_require_minimum_version 1.5.0

setup() {
  load helpers/simulators
  cluster_start ctl0 comp0 comp1 comp2
}
teardown() { cloud_stop; }

# kill_after SECONDS [NAME=VALUE...]   a pass that is killed then
kill_after() {
  local after=$1 pid
  shift
  (EVACUATOR_RUN='exec setsid' evacuator monitor "$@") &
  pid=$!
  sleep "$after"
  # It may have ended by itself a moment before.
  kill -KILL -- "-$pid" || true
  wait "$pid" || true
}

passes_until_done() {
  local end=$((SECONDS + 90)) host
  for host; do
    until [ "$(mark_permanent "$host")" = no ]; do
      [ "$SECONDS" -lt "$end" ] || fail "the mark of $host is still '$(mark_transient "$host")' after 90 s"
      evacuator monitor || true
      sleep 0.5
    done
  done
}

random_seconds() { # FROM TO in hundredths of a second
  local hundredths=$(($1 + RANDOM % ($2 - $1)))
  printf '%d.%02d' $((hundredths / 100)) $((hundredths % 100))
}

@test "killed ten times in a row at random moments" {
  local seed=${KILL_SEED:-$RANDOM} round name
  RANDOM=$seed
  echo "KILL_SEED=$seed repeats this"
  cloud_start --set schedule=100 --set spawn=800 --scenario '{"servers": [{"count": 12, "name": "vm", "host": "comp0"}]}'
  fail_host comp0
  evacuator start
  for ((round = 1; round <= 10; round++)); do kill_after "$(random_seconds 5 250)" OCF_RESKEY_concurrency=4; done
  passes_until_done comp0
  assert_evacuated_once vm-{1..12}
  assert_no_violations
}

@test "killed in the first second of a pass, again and again on fresh hosts" {
  local seed=${KILL_SEED:-$RANDOM} round
  RANDOM=$seed
  echo "KILL_SEED=$seed repeats this"
  for round in 1 2 3; do
    cloud_start --set schedule=50 --set spawn=300 --scenario '{"servers": [{"count": 8, "name": "vm", "host": "comp0"}]}'
    cluster set evacuate comp0 yes
    fail_host comp0
    evacuator start
    kill_after "$(random_seconds 20 90)"
    kill_after "$(random_seconds 5 50)"
    passes_until_done comp0
    assert_evacuated_once vm-{1..8}
    assert_no_violations
    cloud_stop
  done
}

@test "killed while Nova is still busy with its requests: they are carried out later, and not asked again" {
  cloud_start --speed 10 --scenario '{"servers": [{"count": 4, "name": "vm", "host": "comp0"}]}'
  fail_host comp0
  sim_fault '{"method": "POST", "path": "/action$", "times": 4, "delayMs": 6000}'
  evacuator start
  kill_after 1.5
  passes_until_done comp0
  assert_evacuated_once vm-{1..4}
  assert_equal "$(sim_count 'POST nova .*/action')" 4
  assert_no_violations
}

@test "killed with two hosts and failing rebuilds" {
  cloud_start --speed 10 --scenario '{"hosts": ["comp0", "comp1", "comp2", {"name": "comp3", "spawnFail": true}],
    "servers": [{"count": 4, "name": "a", "host": "comp0"}, {"count": 4, "name": "b", "host": "comp1"}]}'
  fail_host comp0
  fail_host comp1
  evacuator start
  kill_after 1.2
  kill_after 0.7
  sim PUT hosts/comp3 '{"spawnFail": false}'
  passes_until_done comp0 comp1
  local name
  for name in a-{1..4} b-{1..4}; do
    assert_equal "$name $(sim_migrations | grep -c "^$name .* done$")" "$name 1"
    assert_regex "$(sim_server "$name")" '^comp[23] ACTIVE'
  done
  assert_no_violations
}

@test "killed before anything was asked, then stopped and started on another controller" {
  cloud_start --speed 10 --scenario '{"servers": [{"count": 3, "name": "vm", "host": "comp0"}]}'
  fail_host comp0
  evacuator start
  kill_after 0.15
  local other=$BATS_TEST_TMPDIR/other
  mkdir -p "$other"
  # The claim of a dead controller counts for 60 s; let it be that old.
  case $(mark_transient comp0) in *@*) cluster set evacuate comp0 "ctl0@$(($(date +%s) - 61))" ;; esac
  evacuator start HA_RSCTMP="$other"
  run -0 evacuator monitor HA_RSCTMP="$other" OCF_RESKEY_CRM_meta_on_node=ctl1 PATH="$(cluster on ctl1):$PATH"
  assert_evacuated_once vm-{1..3}
  assert_no_violations
}
