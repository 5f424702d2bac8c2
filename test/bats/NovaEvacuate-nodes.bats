#!/usr/bin/env bats
# What the cluster takes a node for: as the scheduler sees it, on every Pacemaker; and nothing new where it does not tell.

bats_require_minimum_version 1.5.0

setup() {
  load helpers/simulators
  load helpers/evacuation
}
teardown() { cloud_stop; }

# nodes VERSION   a cluster of that Pacemaker, and a cloud where heartbeats are a second apart, which Nova shows
nodes() {
  VERSION=$1 cluster_start ctl0 comp0 comp1 comp2
  cloud --set reportInterval=1000 --scenario '{"servers": [{"count": 3, "name": "vm", "host": "comp0"}]}'
  evacuator start
}
service() { sim_services | sed -n 's/^comp0 //p'; }
crm_mon_calls() { cluster calls | grep -c '^crm_mon' || true; }
named_stale() { said | grep -q 'not evacuated, as it bears a mark but runs'; }
is_released() { [ "$(mark_transient comp0)/$(mark_permanent comp0)" = / ]; }
on() { fence action=on nodename=comp0 port=comp0 "$@"; }

living_host() { # VERSION
  nodes "$1"
  cluster forever evacuate comp0 yes
  cluster set evacuate comp0 yes
  passes_until named_stale
  pass
  assert_equal "$code" 190
  assert_equal "$(posts)" 0
  assert_equal "$(sim_count 'PUT nova')" 0
  assert_server vm-1 comp0 ACTIVE
  # It is fenced, as it says.
  sim_power_off comp0
  cluster fenced comp0
  cluster leave comp0
  mark comp0
  passes_until_done comp0
  assert_evacuated_once vm-{1..3}
  assert_no_violations
}

way_back() { # VERSION
  nodes "$1"
  fail_host comp0
  passes_until_done comp0
  sim DELETE requests
  pass
  assert_equal "$(sim_count)" 0
  # While its connection is being tried nobody has answered there.
  sim POST hosts/comp0/boot
  cluster connecting comp0
  pass
  assert_equal "$(sim_count)" 0
  run -0 on
  [[ $(service) == 'down disabled forced_down '* ]]
  cluster join comp0
  sim_compute_start comp0
  passes_until is_released -- OCF_RESKEY_CRM_meta_timeout=120000
  assert_equal "$(service)" 'up enabled - -'
  assert_no_violations
}

unfencing() { # VERSION
  nodes "$1"
  fence action=off nodename=comp1 port=comp1
  cluster set evacuate comp1 no
  cluster forever evacuate comp1 no
  cluster connecting comp1
  run -0 fence action=on nodename=comp1 port=comp1
  run sim_services
  assert_line --regexp '^comp1 down disabled forced_down '
  cluster join comp1
  run -0 fence action=on nodename=comp1 port=comp1
  run sim_services
  refute_line --regexp '^comp1 .* forced_down '
}

for version in 2.1.5 3.0.0; do
  bats_test_function --description "Pacemaker $version: a mark on a host that runs is refused, until it is fenced" \
    -- living_host "$version"
done
for version in 1.1.18 2.0.5 2.1.5 3.0.0; do
  bats_test_function --description "Pacemaker $version: a host that is back is released, and none that is only being tried" \
    -- way_back "$version"
  bats_test_function --description "Pacemaker $version: on gives a host back that has joined, and none that has not" \
    -- unfencing "$version"
done

@test "an idle monitor does not ask for the nodes, and one with an evacuated host that is off asks once" {
  nodes 3.0.0
  cluster calls clear
  run -0 evacuator monitor
  assert_equal "$(crm_mon_calls)" 0
  cluster set evacuate comp0 no
  cluster forever evacuate comp0 no
  cluster offline comp0
  cluster calls clear
  run -0 evacuator monitor
  assert_equal "$(crm_mon_calls)" 1
  run cluster calls
  refute_line --partial '-o status'
}

@test "crm_mon fails once: asked again in the same pass, and nothing is said of it" {
  nodes 3.0.0
  fail_host comp0
  cluster fail crm_mon 1 1 Error
  run -0 evacuator monitor
  assert_evacuated_once vm-{1..3}
  refute_output --partial 'does not tell'
}

@test "crm_mon fails: nothing new is begun, that is said once and shown, and the next pass goes on" {
  nodes 3.0.0
  fail_host comp0
  cluster fail crm_mon always 1 'Error'
  for _ in 1 2 3; do
    pass OCF_RESKEY_CRM_meta_timeout=8000
    assert_equal "$code" 190
  done
  assert_regex "$(reason)" '^comp0 is not evacuated yet, as the cluster does not tell whether it is down: '
  assert_equal "$(said | grep -v '^ocf-exit-reason:' | grep -c 'does not tell')" 1
  assert_equal "$(posts)" 0
  assert_equal "$(sim_count 'PUT nova')" 0
  assert_marks comp0 yes yes
  cluster ok crm_mon
  passes_until_done comp0
  assert_evacuated_once vm-{1..3}
  assert_equal "$(progress comp0)" '3/3 done'
  assert_no_violations
}

@test "crm_mon hangs: the pass ends in time all the same, with nothing begun" {
  nodes 3.0.0
  fail_host comp0
  cluster hang crm_mon
  SECONDS=0
  pass
  [ "$SECONDS" -lt 16 ]
  assert_equal "$code" 190
  assert_regex "$(reason)" 'crm_mon did not end within 5 s'
  assert_equal "$(posts)" 0
  cluster ok crm_mon
  passes_until_done comp0
  assert_evacuated_once vm-{1..3}
}

@test "crm_mon hangs with a mark on a host that runs: it is not taken for one that has left" {
  nodes 3.0.0
  cluster forever evacuate comp0 yes
  cluster set evacuate comp0 yes
  cluster hang crm_mon
  pass OCF_RESKEY_CRM_meta_timeout=8000
  assert_equal "$code" 190
  assert_equal "$(posts)$(sim_count 'PUT nova')" 00
  cluster ok crm_mon
  passes_until named_stale
  assert_equal "$(posts)$(sim_count 'PUT nova')" 00
}

@test "no quorum, no DC, Pacemaker stopping here: none of them is an answer" {
  nodes 3.0.0
  fail_host comp0
  local state
  for state in no-quorum no-dc stopping; do
    cluster "$state"
    pass OCF_RESKEY_CRM_meta_timeout=4000
    assert_equal "$state $code" "$state 190"
    case $state in
    no-quorum) assert_regex "$(reason)" 'this partition of the cluster has no quorum' ;;
    no-dc) assert_regex "$(reason)" 'the cluster has no DC at the moment' ;;
    stopping) assert_regex "$(reason)" 'Pacemaker on this node is not running normally \(shutting_down\)' ;;
    esac
    case $state in stopping) cluster running ;; *) cluster "${state#no-}" ;; esac
  done
  assert_equal "$(posts)" 0
  passes_until_done comp0
  assert_evacuated_once vm-{1..3}
}

@test "a host that is back is not released while the cluster does not tell that it is" {
  nodes 3.0.0
  fail_host comp0
  passes_until_done comp0
  sim_boot_host comp0
  sim_compute_start comp0
  sim DELETE requests
  cluster fail crm_mon always 1 Error
  for _ in 1 2; do
    pass
    assert_equal "$code" 190
  done
  assert_regex "$(reason)" '^comp0 waits for its release, as the cluster does not tell whether it is back: '
  assert_equal "$(sim_count)" 0
  cluster ok crm_mon
  passes_until is_released -- OCF_RESKEY_CRM_meta_timeout=120000
}

@test "on asks until the cluster tells; where it never does, nothing is given back, and that is said" {
  nodes 3.0.0
  fail_host comp0
  passes_until_done comp0
  cluster online comp0
  cluster fail crm_mon always 1 Error
  run -0 on power_timeout=3
  assert_output --partial 'WARNING: comp0 stays forced down for now, as the cluster does not tell whether it has joined'
  [[ $(service) == 'down disabled forced_down '* ]]
  cluster fail crm_mon 2 1 Error
  run -0 on verbose=1
  refute_output --partial 'does not tell'
}
