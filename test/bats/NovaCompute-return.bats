#!/usr/bin/env bats
# A fenced host comes back: when nova-compute may start, and how the host is given back to Nova.

bats_require_minimum_version 1.5.0

setup_file() { export BATS_NO_PARALLELIZE_WITHIN_FILE=true; }
setup() {
  load helpers/simulators
  load helpers/computeHost
  cloud_start --speed 20 --scenario '{"servers": [{"count": 3, "name": "vm", "host": "comp0"}]}'
  cluster_start ctl0 comp0 comp1 comp2
  compute_host comp0
}
teardown() {
  fake_compute_stop comp0
  cloud_stop
}

# evacuated   comp0 died, its three instances were evacuated, its machine has power again; the mark is `no`
evacuated() {
  fail_host comp0
  evacuator start
  wait_until 30 evacuation_is_over
  sim_boot_host comp0
  cluster purge comp0
  sim DELETE requests
}
evacuation_is_over() {
  evacuator monitor OCF_RESKEY_release=off >/dev/null 2>&1
  [ "$(mark_permanent comp0)" = no ]
}
# service   what Nova says of comp0
service() { sim_services | sed -n 's/^comp0 //p'; }
is_in_service() { [[ $(service) == 'up enabled -'* ]]; }
released() { is_in_service && [ "$(mark_transient comp0)$(mark_permanent comp0)" = '' ]; }

# settled_by_monitor   a monitor, and whether the release is over
settled_by_monitor() { on_host monitor >/dev/null 2>&1 && released; }

assert_released() {
  assert_regex "$(service)" '^up enabled -'
  assert_marks comp0 '' ''
  assert_equal "$(shown comp0)" ''
  run ! pulses comp0
  refute [ -e "$(state_file release)" ]
  assert_no_violations
}

@test "evacuated: start settles the records, forces up, enables, and clears the mark" {
  evacuated
  run -0 on_host start
  assert_released
  assert_equal "$(sim_migrations | grep -c ' completed$')" 3
  run log
  assert_line --partial 'Released comp0'
  # In this order.
  run sim_requests 'PUT nova .*os-services'
  assert_equal "${#lines[@]}" 2
  # What has been released is not asked about again.
  local before
  before=$(sim_count)
  run -0 on_host monitor
  assert_output ''
  assert_equal "$(sim_count)" "$before"
}

@test "while the mark is pending nova-compute is held back, which is shown with its reason and since when" {
  fail_host comp0
  sim_boot_host comp0
  on_host start >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
  local pid=$!
  wait_until 10 pulses comp0
  assert_regex "$(shown comp0)" '^comp0 waits for NovaEvacuate to evacuate it, since 20'
  local first
  first=$(cluster get nova-compute-returning comp0)
  assert_regex "$first" '^comp0@[0-9]+$'
  # The start does not hold up the rest of the cluster for longer than that.
  wait "$pid"
  run cat "$BATS_TEST_TMPDIR/out"
  assert_regex "$(reason)" '^nova-compute is held back: comp0 waits for NovaEvacuate to evacuate it, since [0-9:]+Z'
  assert [ "$(cluster get nova-compute-returning comp0)" != "$first" ]
  # It counts as started, and its monitors go on looking.
  run -0 on_host probe
  assert_output ''
  run -0 on_host monitor
  assert_regex "$(reason)" '^nova-compute is held back: comp0 waits for NovaEvacuate'
  assert_equal "$(fake_starts comp0)" 0
  assert_marks comp0 yes yes
  # Nobody evacuates: an operator gives up on it.
  cluster forever evacuate comp0 no
  cluster set evacuate comp0 no
  run -0 on_host monitor
  assert_equal "$(fake_starts comp0)" 1
  wait_until 20 settled_by_monitor
  assert_released
}

@test "held back and stopped: not running, nothing shown, and the next start looks anew" {
  fail_host comp0
  sim_boot_host comp0
  COMPUTE_TIMEOUT=8000 run -0 on_host start
  assert_regex "$(reason)" '^nova-compute is held back'
  run -0 on_host stop
  assert_equal "$(shown comp0)" ''
  run ! pulses comp0
  run -7 on_host probe
  cluster forever-delete evacuate comp0
  cluster purge comp0
  run -0 on_host start
  assert_equal "$(fake_starts comp0)" 1
}

@test "held back, and dies at once when its time has come: monitor fails with its last words" {
  fail_host comp0
  sim_boot_host comp0
  COMPUTE_TIMEOUT=8000 run -0 on_host start
  echo 'ImportError: libvirt' >"$(fake_dir comp0)/die"
  cluster forever evacuate comp0 no
  cluster set evacuate comp0 no
  run -1 on_host monitor
  assert_regex "$(reason)" '^nova-compute died at once: ImportError: libvirt'
}

@test "an evacuation in flight with the mark at no: nova-compute starts only after it" {
  sim PUT knobs '{"spawn": 6000}'
  fail_host comp0
  evacuation_begins
  sim_boot_host comp0
  cluster forever evacuate comp0 no
  cluster set evacuate comp0 no
  on_host start >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
  local pid=$!
  wait_until 10 eval '[[ "$(shown comp0)" == *"waits for its evacuations in flight"* ]]'
  assert_equal "$(fake_starts comp0)" 0
  wait "$pid"
  wait_until 20 settled_by_monitor
  assert_equal "$(fake_starts comp0)" 1
  assert_released
}

@test "a host that an operator had disabled stays disabled, and that is said" {
  sim PUT hosts/comp0 '{"disabled": true, "disabledReason": "new memory"}'
  sim_power_off comp0
  sim PUT hosts/comp0 '{"forcedDown": true}'
  mark comp0
  evacuator start
  wait_until 30 evacuation_is_over
  sim_boot_host comp0
  run -0 on_host start
  assert_regex "$(service)" '^up disabled - new memory'
  assert_marks comp0 '' ''
  run log
  assert_output --partial 'it stays disabled, as somebody else disabled it ("new memory")'
}

@test "an instance that stays and is not started: named, and degraded (190) once, for somebody to look at" {
  sim POST servers '{"name": "stuck", "host": "comp0", "state": "paused"}' >/dev/null
  # It was not evacuated, as the machine was back before.
  fail_host comp0
  sim_boot_host comp0
  cluster forever evacuate comp0 no
  cluster set evacuate comp0 no
  run -0 on_host start
  wait_until 30 somebody_is_needed
  assert_regex "$(reason)" '^Released comp0.*stuck'
  run -0 on_host monitor
}
somebody_is_needed() {
  run on_host monitor
  [ "$status" = 190 ]
}

@test "what is not released within evacuation_delay is left to monitor" {
  evacuated
  # Nova refuses to force it up for a while.
  sim_fault '{"method": "PUT", "path": "os-services", "status": 503, "text": "busy"}'
  run -0 on_host start evacuation_delay=2
  assert_regex "$(reason)" '^comp0 waits for its release'
  assert_regex "$(shown comp0)" '^comp0 waits for its release.*, since 20'
  fake_runs comp0
  assert [ -e "$(state_file release)" ]
  run -0 on_host monitor
  assert_regex "$(reason)" '^comp0 waits for its release'
  assert [ -e "$(state_file release)" ]
  sim_no_faults
  run -0 on_host monitor
  assert_released
}

@test "Nova away, mark at no: nova-compute starts, and the release follows once Nova is back" {
  evacuated
  sim POST services/nova/stop
  run -0 on_host start evacuation_delay=1
  fake_runs comp0
  assert_regex "$(reason)" '^comp0 waits for its release: '
  refute_output --partial adminpw
  run -0 on_host monitor
  sim POST services/nova/start
  run -0 on_host monitor
  assert_released
}

@test "Keystone hangs, mark at no: nova-compute starts in time all the same" {
  evacuated
  sim_fault '{"service": "keystone", "hang": true}'
  COMPUTE_TIMEOUT=40000 run -0 on_host start evacuation_delay=1
  fake_runs comp0
  assert_regex "$(reason)" '^comp0 waits for its release: Keystone at .* did not answer'
}

@test "an operator says no while Keystone hangs: held back until Nova tells that nothing is in flight" {
  fail_host comp0
  sim_boot_host comp0
  COMPUTE_TIMEOUT=8000 run -0 on_host start
  sim_fault '{"service": "keystone", "hang": true}'
  cluster forever evacuate comp0 no
  cluster set evacuate comp0 no
  run -0 on_host monitor
  assert_equal "$(fake_starts comp0)" 0
  assert_regex "$(reason)" '^nova-compute is held back: comp0 waits for its release: Keystone'
  sim_no_faults
  wait_until 30 started_by_monitor
}
started_by_monitor() { on_host monitor && fake_runs comp0; }

@test "a host unknown to Nova (first boot): started, whatever its mark says" {
  cluster_start ctl0 comp9
  compute_host comp9
  COMPUTE_NODE=comp9 run -0 on_host start
  fake_runs comp9
  fake_compute_stop comp9
}

@test "the cluster does not answer: nova-compute is held back, and the sentence says why" {
  cluster down
  COMPUTE_TIMEOUT=8000 run -0 on_host start
  assert_regex "$(reason)" '^nova-compute is held back: comp0 waits for the cluster to tell whether it is being evacuated'
  run -0 on_host monitor
  assert_equal "$(fake_starts comp0)" 0
  cluster up
  run -0 on_host monitor
  fake_runs comp0
  assert_equal "$(sim_count)" 0
}

@test "the cluster answers in the end: started" {
  cluster down
  on_host start >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
  local pid=$!
  sleep 2
  assert_equal "$(fake_starts comp0)" 0
  cluster up
  wait "$pid"
  fake_runs comp0
}

@test "something else started nova-compute before Pacemaker looked: monitor takes the host back" {
  evacuated
  on_host start evacuation_delay=0
  # As after a boot: nothing is known here, and the probe finds it running.
  rm -f "$(state_file release)" "$(state_file settled)"
  run -0 on_host probe
  run -0 on_host monitor
  wait_until 10 released
}

@test "start of one that runs, with a mark there: 0 at once, and monitor takes the host back" {
  evacuated
  on_host start evacuation_delay=0
  rm -f "$(state_file release)"
  run -0 on_host start
  assert_output ''
  assert [ -e "$(state_file release)" ]
  run -0 on_host monitor
  assert_released
}

@test "stop takes down what is shown and what is owed" {
  evacuated
  sim POST services/nova/stop
  run -0 on_host start evacuation_delay=1
  assert [ -n "$(shown comp0)" ]
  run -0 on_host stop
  assert_equal "$(shown comp0)" ''
  refute [ -e "$(state_file release)" ]
  assert_marks comp0 '' no
}

@test "two losses in a row: the second release goes as the first" {
  local round
  for round in 1 2; do
    evacuated
    run -0 on_host start
    assert_released
    assert_equal "$(fake_starts comp0)" "$round"
    sim_power_off comp0
    rm -f "$BATS_TEST_TMPDIR"/rsctmp-comp0/*
  done
}
