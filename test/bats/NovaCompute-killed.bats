#!/usr/bin/env bats
# Pacemaker ends what is late with SIGKILL, the whole process group, without warning: whoever comes next goes on.

bats_require_minimum_version 1.5.0

setup_file() { export BATS_NO_PARALLELIZE_WITHIN_FILE=true; }
setup() {
  load helpers/simulators
  load helpers/computeHost
  cloud_start --speed 20 --scenario '{"servers": [{"count": 3, "name": "vm", "host": "comp0"}]}'
  cluster_start ctl0 comp0 comp1 comp2
  compute_host comp0
  fail_host comp0
  evacuator start
  wait_until 30 evacuation_is_over
  sim_boot_host comp0
}
teardown() {
  fake_compute_stop comp0
  cloud_stop
}

evacuation_is_over() {
  evacuator monitor OCF_RESKEY_release=off >/dev/null 2>&1
  [ "$(mark_permanent comp0)" = no ]
}
# killed_after SECONDS ACTION   starts an action and kills its process group
killed_after() {
  COMPUTE_RUN="exec setsid" on_host "$2" >/dev/null 2>&1 3>&- &
  local pid=$!
  sleep "$1"
  kill -KILL -- "-$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
}
assert_released() {
  assert_regex "$(sim_services)" 'comp0 up enabled -'
  assert_marks comp0 '' ''
  assert_equal "$(shown comp0)" ''
  assert_no_violations
}

@test "start killed again and again, at other moments: one nova-compute, and the host is released" {
  local moment
  for moment in 0.1 0.2 0.3 0.5 0.8 1.2; do killed_after "$moment" start; done
  run -0 on_host start
  run -0 on_host monitor
  assert_released
  assert_equal "$(pgrep -c -f "^/bin/bash $FAKE_NOVA_COMPUTE")" 1
}

@test "start killed once nova-compute runs: Pacemaker's stop and start go on" {
  COMPUTE_RUN="exec setsid" on_host start >/dev/null 2>&1 3>&- &
  local pid=$!
  wait_until 10 fake_runs comp0
  kill -KILL -- "-$pid"
  fake_runs comp0
  run -0 on_host stop
  run ! fake_runs comp0
  run -0 on_host start
  assert_released
}

@test "start killed once nova-compute runs, and found running by a probe: monitor goes on" {
  COMPUTE_RUN="exec setsid" on_host start >/dev/null 2>&1 3>&- &
  local pid=$!
  wait_until 10 fake_runs comp0
  kill -KILL -- "-$pid"
  run -0 on_host probe
  assert [ -e "$(state_file release)" ]
  run -0 on_host monitor
  assert_released
}

@test "monitor killed in the middle of a release: the next one goes on" {
  sim_fault '{"method": "PUT", "path": "os-services", "delayMs": 700}'
  on_host start evacuation_delay=0
  killed_after 0.3 monitor
  killed_after 0.6 monitor
  killed_after 1.2 monitor
  run -0 on_host monitor
  sim_no_faults
  run -0 on_host monitor
  assert_released
}
