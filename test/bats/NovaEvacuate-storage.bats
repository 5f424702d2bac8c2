#!/usr/bin/env bats
# The storage guard: no disk that lies on the dead host alone is ever replaced by an empty one, unless the operator gave such
# disks up. The simulated cloud notes every disk that is lost.

bats_require_minimum_version 1.5.0

setup() {
  load helpers/simulators
  load helpers/evacuation
  cluster_start ctl0 comp0 comp1 comp2
}
teardown() { cloud_stop; }

disks_lost() { sim GET text/disks-lost; }

mixed='{"servers": [{"count": 5, "name": "disk", "host": "comp0"}, {"count": 2, "name": "volume", "host": "comp0", "image": null},
  {"name": "off", "host": "comp0", "state": "stopped"}]}'

@test "local disks: instances with an image are left and named, none is lost; those of volumes are evacuated" {
  cloud --set sharedStorage=false --scenario "$mixed"
  fail_host comp0
  evacuator start
  passes_until_done comp0
  assert_equal "$(disks_lost)" ''
  assert_evacuated_once volume-{1,2}
  local name
  for name in disk-{1..5} off; do
    assert_regex "$(sim_server "$name")" '^comp0 '
    assert_once "Leaving $name \\(.*\\) on comp0: its disk lies on comp0 itself and it would be rebuilt empty; it waits there for the host's return \\(no_shared_storage=1 gives such disks up\\)\\."
  done
  assert_equal "$(progress comp0)" '2/8 done, 6 left'
  # Two refusals by two hosts are enough: the others are not even tried.
  assert [ "$(sim_migrations | grep -cE ' (failed|error)$')" -le 8 ]
  assert_no_violations
}

@test "a local ephemeral disk of an instance that boots from a volume is not given up; swap is, and that is said" {
  cloud --set sharedStorage=false --scenario '{"flavors": [{"id": "8", "name": "ephemeral", "ephemeralGb": 20}, {"id": "9", "name": "swap", "swapMb": 512}],
    "servers": [{"name": "scratch", "host": "comp0", "image": null, "flavor": "ephemeral"}, {"name": "swaps", "host": "comp0", "image": null, "flavor": "swap"}]}'
  fail_host comp0
  evacuator start
  passes_until_done comp0
  assert_equal "$(disks_lost)" ''
  assert_regex "$(sim_server scratch)" '^comp0 '
  assert_once 'Leaving scratch .*its disk lies on comp0 itself'
  assert_evacuated_once swaps
  assert_once 'Evacuating swaps .*; its swap disk may be made anew, the rest is on volumes\.'
}

@test "local disks and many instances: after the first refusals no more are put into ERROR" {
  cloud --set sharedStorage=false --scenario '{"servers": [{"count": 40, "name": "disk", "host": "comp0"}]}'
  fail_host comp0
  evacuator start
  passes_until_done comp0 OCF_RESKEY_concurrency=4
  assert_equal "$(disks_lost)" ''
  assert [ "$(sim_servers | grep -c ' ERROR ')" -le 8 ]
  assert_equal "$(progress comp0)" '0/40 done, 40 left'
}

@test "local disks with no_shared_storage=1: all are evacuated, as the operator wants" {
  cloud --set sharedStorage=false --scenario "$mixed"
  fail_host comp0
  evacuator start
  passes_until_done comp0 OCF_RESKEY_no_shared_storage=1
  assert_evacuated_once disk-{1..5} volume-{1,2} off
  assert_equal "$(disks_lost | wc -l)" 6
  assert_regex "$(sim_server off)" ' SHUTOFF '
}

@test "shared disks: nothing is lost, all are evacuated, and nothing is said of disks" {
  cloud --scenario "$mixed"
  fail_host comp0
  evacuator start
  passes_until_done comp0
  assert_evacuated_once disk-{1..5} volume-{1,2} off
  assert_equal "$(disks_lost)" ''
  refute_said 'disk lies'
}

@test "one destination lacks the mount: nothing is lost, all arrive on the other" {
  cloud --scenario '{"hosts": ["comp0", {"name": "comp1", "sharedStorage": false}, "comp2"],
    "servers": [{"count": 6, "name": "disk", "host": "comp0"}]}'
  fail_host comp0
  evacuator start
  WITHIN=150 passes_until_done comp0 OCF_RESKEY_CRM_meta_timeout=60000
  assert_equal "$(disks_lost)" ''
  local name
  for name in disk-{1..6}; do assert_server "$name" comp2 ACTIVE; done
  refute_said 'disk lies'
}

@test "what was left is not tried again by idle passes, and runs again when its host is back" {
  cloud --set sharedStorage=false --set reportInterval=1000 --scenario '{"servers": [{"name": "disk", "host": "comp0"}, {"name": "off", "host": "comp0"}]}'
  owner '{"os-stop": null}' off
  # What its owner did last counts as done before the failure, by clocks that may differ by some seconds.
  sleep 6
  fail_host comp0
  evacuator start
  passes_until_done comp0
  local before
  before=$(posts)
  pass
  pass
  assert_equal "$(posts)" "$before"
  sim_boot_host comp0
  sim_compute_start comp0
  passes_until released comp0 -- OCF_RESKEY_CRM_meta_timeout=120000
  assert_server disk comp0 ACTIVE
  assert_server off comp0 SHUTOFF
  assert_equal "$(disks_lost)" ''
  assert_equal "$(sim_guests | sort)" $'disk comp0 running\noff comp0 off'
  assert_no_violations
}
released() { [ -z "$(mark_permanent "$1")" ]; }

@test "old microversions, where Nova is told: 2.1 and 2.13 lose no disk either" {
  local version
  for version in 2.1 2.13; do
    cloud --set maxMicroversion=$version --set sharedStorage=false --scenario '{"servers": [{"count": 2, "name": "disk", "host": "comp0"}]}'
    fail_host comp0
    # 2.1 cannot force down, so the service has to be down by its heartbeats.
    sim PUT knobs '{"serviceDownTime": 1}'
    evacuator start
    passes_until_done comp0
    assert_equal "$(disks_lost)" ''
    assert_equal "$(progress comp0)" '0/2 done, 2 left'
    assert_equal "$(bodies evacuate | grep -vc '"onSharedStorage":true')" 0
    evacuator stop
    cloud_stop
    cluster purge comp0
    rm -rf "$BATS_TEST_TMPDIR/rsctmp" "$BATS_TEST_TMPDIR/said"
  done
}
