#!/usr/bin/env bats
# A host comes back whose nova-compute something else starts: NovaEvacuate takes it back from its controller.

bats_require_minimum_version 1.5.0

setup() {
  load helpers/simulators
  # Nova keeps whole seconds, so heartbeats show only where they are a second apart, whatever the speed.
  cloud_start --speed 20 --set reportInterval=1000 --scenario '{"servers": [{"count": 3, "name": "vm", "host": "comp0"}]}'
  cluster_start ctl0 comp0 comp1 comp2
  evacuator start
}
teardown() { cloud_stop; }

service() { sim_services | sed -n 's/^comp0 //p'; }
mark_is() { [ "$(mark_transient comp0)/$(mark_permanent comp0)" = "$1" ]; }
# A pass as Pacemaker calls it; what it says is kept.
pass() { evacuator monitor OCF_RESKEY_CRM_meta_timeout=120000 "$@" >>"$BATS_TEST_TMPDIR/said" 2>&1 || true; }
pass_until() { # MARK [KEY=VALUE...]
  local mark=$1
  shift
  pass "$@"
  mark_is "$mark"
}
said() { cat "$BATS_TEST_TMPDIR/said"; }
runs_once() { [ "$(sim_guests | grep "^$1 " | grep -c running)" = 1 ]; }

evacuated() {
  fail_host comp0
  wait_until 60 pass_until no/no
}

@test "its nova-compute starts by itself: records, forced_down, enabled, mark and progress gone" {
  evacuated
  cluster set nova-compute-release comp0 'comp0 waits for something, since 2026-11-21T03:00:00Z'
  sim_boot_host comp0
  sim_compute_start comp0
  wait_until 60 pass_until /
  assert_equal "$(service)" 'up enabled - -'
  assert_equal "$(sim_migrations | grep -c ' completed$')" 3
  assert_equal "$(cluster get evacuation-comp0 ctl0 || true)" ''
  # What a NovaCompute that was killed left shown goes, too.
  assert_equal "$(cluster get nova-compute-release comp0 || true)" ''
  run said
  assert_line --regexp 'NOTICE: Released comp0: no longer forced down; enabled\.'
  assert_no_violations
}

@test "the machine is back, its nova-compute is not: said, shown with its time, and nothing given back" {
  evacuated
  sim_boot_host comp0
  pass
  assert_regex "$(cluster get evacuation-comp0 ctl0)" \
    '^comp0 waits for its nova-compute to start and clean up 3 evacuated instances, since 20'
  [[ $(service) == 'down disabled forced_down '* ]]
  mark_is no/no
}

@test "the machine is still off: Nova is not asked" {
  evacuated
  sim DELETE requests
  pass
  assert_equal "$(sim_count)" 0
}

@test "release=off, and a node whose nova-compute NovaCompute manages: left alone" {
  evacuated
  sim_boot_host comp0
  sim_compute_start comp0
  sim DELETE requests
  pass OCF_RESKEY_release=off
  assert_equal "$(sim_count)" 0
  cluster resource nova-compute ocf:openstack:NovaCompute
  cluster history nova-compute comp0 start 0
  pass
  assert_equal "$(sim_count)" 0
  wait_until 60 pass_until / OCF_RESKEY_release=on
}

@test "a host that somebody else had disabled stays disabled" {
  sim PUT hosts/comp0 '{"disabled": true, "disabledReason": "new memory"}'
  sim_power_off comp0
  sim PUT hosts/comp0 '{"forcedDown": true}'
  mark comp0
  wait_until 60 pass_until no/no
  sim_boot_host comp0
  sim_compute_start comp0
  wait_until 60 pass_until /
  assert_equal "$(service)" 'up disabled - new memory'
  run said
  assert_output --partial 'it stays disabled, as somebody else disabled it ("new memory")'
  assert_no_violations
}

@test "back before anything was evacuated: not evacuated any more, its instances started in place" {
  fail_host comp0
  sim_boot_host comp0
  sim_compute_start comp0
  wait_until 100 pass_until /
  assert_equal "$(sim_count 'POST nova .*/action' )" 3
  assert_equal "$(sim_migrations)" ''
  for server in vm-1 vm-2 vm-3; do
    assert_server "$server" comp0 ACTIVE
    wait_until 10 runs_once "$server"
  done
  assert_equal "$(service)" 'up enabled - -'
  run said
  assert_output --partial 'comp0 is back before anything was evacuated, so it is released instead; of its instances 3 stay there'
  assert_output --partial '3 of its instances started in place'
  assert_no_violations
}

@test "early_return=evacuate: evacuated all the same" {
  fail_host comp0
  sim_boot_host comp0
  wait_until 60 pass_until no/no OCF_RESKEY_early_return=evacuate
  assert_evacuated_once vm-{1..3}
  assert_no_violations
}
