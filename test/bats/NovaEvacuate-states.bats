#!/usr/bin/env bats
# Instances in other states than running: what stays, what is recovered, and that each ends as its owner had it.

bats_require_minimum_version 1.5.0

setup() {
  load helpers/simulators
  load helpers/evacuation
  cluster_start ctl0 comp0 comp1 comp2
}
teardown() { cloud_stop; }

odd='{"servers": [
  {"name": "paused", "host": "comp0", "state": "paused"}, {"name": "suspended", "host": "comp0", "state": "suspended"},
  {"name": "rescued", "host": "comp0", "state": "rescued"}, {"name": "resized", "host": "comp0", "state": "resized"},
  {"name": "building", "host": "comp0", "state": "building"}, {"name": "vm", "host": "comp0"}]}'

# locked NAME   whether Nova has it locked
locked() {
  "$NODE24" -e '
    fetch(`${process.argv[1]}/_sim/state`).then((answer) => answer.json()).then(({ servers }) => {
      console.log(servers.find(({ name }) => name === process.argv[2]).locked);
    });' "$CLOUD_CONTROL" "$1"
}

@test "other_states=leave: paused, suspended, rescued, resized and half-built ones stay as they are and are named" {
  cloud --scenario "$odd"
  fail_host comp0
  evacuator start
  passes_until_done comp0
  assert_evacuated_once vm
  assert_stayed paused suspended rescued resized building
  local state
  for state in paused suspended rescued resized building; do
    assert_once "Leaving $state \\(.*\\) on comp0: Nova does not evacuate an instance that is $state\\."
    assert_regex "$(sim_server "$state")" " $state$"
  done
  assert_equal "$(asked)" 'vm evacuate 200'
  assert_equal "$(progress comp0)" '1/6 done, 5 left'
}

@test "other_states=recover: paused, suspended and rescued ones are reset, evacuated and run; the rest stays" {
  cloud --scenario "$odd"
  fail_host comp0
  evacuator start
  passes_until_done comp0 OCF_RESKEY_other_states=recover
  assert_evacuated_once vm paused suspended rescued
  assert_stayed resized building
  local state
  for state in paused suspended rescued; do
    assert_regex "$(sim_server "$state")" '^comp[12] ACTIVE - active$'
    # Reset first, and only once.
    assert_equal "$(asked | grep "^$state ")" "$state os-resetState 202"$'\n'"$state evacuate 200"
    assert_once "Reset the state of $state \\(.*\\), which was $state: Nova does not evacuate it as it is\\."
  done
  assert_equal "$(asked | grep -c '^vm os-resetState' || true)" 0
  assert_equal "$(progress comp0)" '4/6 done, 2 left'
  assert_no_violations
}

@test "evacuable=false wins over other_states=recover: its state is not touched" {
  cloud --scenario '{"servers": [{"name": "ice", "host": "comp0", "state": "paused", "metadata": {"evacuable": "false"}}]}'
  fail_host comp0
  evacuator start
  passes_until_done comp0 OCF_RESKEY_other_states=recover
  assert_stayed ice
  assert_equal "$(sim_server ice)" 'comp0 PAUSED - paused'
}

@test "a reset that Nova refuses is tried again and named, and nothing is evacuated without it" {
  cloud --scenario '{"servers": [{"name": "ice", "host": "comp0", "state": "paused"}, {"name": "vm", "host": "comp0"}]}'
  sim_fault '{"method": "POST", "path": "/action$", "body": "os-resetState", "status": 500}'
  fail_host comp0
  evacuator start
  export MONITOR_TIMEOUT=8000
  passes_until said_of ice -- OCF_RESKEY_other_states=recover
  pass OCF_RESKEY_other_states=recover
  assert_equal "$code" 190
  assert_regex "$(reason)" 'ice \(.*its state \(paused\) could not be reset'
  assert_equal "$(asked evacuate)" vm
  sim_no_faults
  MONITOR_TIMEOUT=20000
  passes_until_done comp0 OCF_RESKEY_other_states=recover
  assert_evacuated_once ice vm
  assert_no_violations
}
said_of() { said | grep -q "WARNING: .*$1 "; }

@test "a stuck task where Nova does not mind: evacuated without a reset" {
  cloud --scenario '{"servers": [{"name": "vm", "host": "comp0", "task": "image_snapshot"}, {"name": "going", "host": "comp0", "task": "deleting"}]}'
  fail_host comp0
  evacuator start
  passes_until_done comp0
  assert_equal "$(asked)" 'vm evacuate 200'
  assert_evacuated_once vm
  assert_said 'Leaving going \(.*\) on comp0: it is being deleted'
}

@test "a stuck task that an older Nova refuses (409): reset once, then evacuated; what has none is not reset" {
  cloud --set evacuateRefusesTasks=true --scenario '{"servers": [{"name": "snap", "host": "comp0", "task": "image_snapshot"},
    {"name": "boot", "host": "comp0", "task": "rebooting_hard"}, {"name": "vm", "host": "comp0"}]}'
  fail_host comp0
  evacuator start
  passes_until_done comp0
  assert_evacuated_once snap boot vm
  local name
  for name in snap boot; do
    assert_equal "$(asked | grep "^$name ")" "$name evacuate 409"$'\n'"$name os-resetState 202"$'\n'"$name evacuate 200"
    assert_regex "$(sim_server "$name")" '^comp[12] ACTIVE - active$'
  done
  assert_equal "$(asked | grep '^vm ')" 'vm evacuate 200'
  assert_said 'Reset the state of snap \(.*\), which was active, task image_snapshot'
  assert_no_violations
}

@test "off before: ends off, whether it was SHUTOFF, in ERROR, being switched off, or failed once on the way" {
  cloud --scenario '{"hosts": ["comp0", "comp1", {"name": "comp2", "disabled": true}], "servers": [
    {"name": "off", "host": "comp0"}, {"name": "bad-off", "host": "comp0"}, {"name": "bad-on", "host": "comp0"},
    {"name": "thrice", "host": "comp0"}, {"name": "vm", "host": "comp0"}]}'
  owner '{"os-stop": null}' off bad-off thrice
  sim PUT servers/bad-off '{"state": "error"}'
  sim PUT servers/bad-on '{"state": "error"}'
  sim PUT hosts/comp1 '{"spawnFail": ["thrice"]}'
  fail_host comp0
  evacuator start
  export MONITOR_TIMEOUT=12000
  passes_until said_of thrice
  sim PUT hosts/comp1 '{"spawnFail": false}'
  MONITOR_TIMEOUT=20000
  passes_until_done comp0
  local name
  for name in off bad-off thrice; do assert_regex "$name $(sim_server "$name")" "^$name comp1 SHUTOFF - stopped$"; done
  for name in bad-on vm; do assert_regex "$name $(sim_server "$name")" "^$name comp1 ACTIVE - active$"; done
  run sim_guests
  for name in off bad-off thrice; do assert_line "$name comp1 off"; done
  assert_said 'Stopping bad-off \(.*\) on comp1: it was off before its host failed, and its evacuation has started it'
  # Nobody switched off what ran.
  assert_equal "$(asked | grep -E '^(bad-on|vm) ' | grep -c os-stop || true)" 0
  assert_no_violations
}

@test "one that its owner starts after the evacuation is left running" {
  cloud --scenario '{"servers": [{"name": "bad", "host": "comp0"}, {"name": "vm", "host": "comp0"}]}'
  owner '{"os-stop": null}' bad
  sim PUT servers/bad '{"state": "error"}'
  sim PUT hosts/comp1 '{"spawn": 4000}'
  sim PUT hosts/comp2 '{"spawn": 4000}'
  fail_host comp0
  # The evacuation cannot end before its owner has spoken.
  sim_fault '{"method": "GET", "path": "/os-instance-actions", "status": 503}'
  evacuator start
  export MONITOR_TIMEOUT=16000
  passes_until runs bad
  owner '{"os-stop": null}' bad
  owner '{"os-start": null}' bad
  sim_no_faults
  MONITOR_TIMEOUT=20000
  passes_until_done comp0
  assert_regex "$(sim_server bad)" '^comp[12] ACTIVE '
  assert_equal "$(asked | grep -c ' os-stop ' || true)" 0
}
runs() { [[ "$(sim_server "$1")" =~ ^comp[12]\ ACTIVE\ -\  ]]; }

@test "locked instances are evacuated and stay locked, as their owner set them" {
  cloud --scenario '{"servers": [{"name": "locked", "host": "comp0", "locked": true},
    {"name": "ice", "host": "comp0", "locked": true, "state": "paused"}, {"name": "open", "host": "comp0"}]}'
  fail_host comp0
  evacuator start
  passes_until_done comp0 OCF_RESKEY_other_states=recover
  assert_evacuated_once locked ice open
  assert_equal "$(locked locked) $(locked ice) $(locked open)" 'true true false'
  assert_equal "$(asked | grep -c 'lock ' || true)" 0
}

@test "affinity: a member that Nova finds no host for is named with its group, degraded; the others are evacuated" {
  cloud --scenario '{"serverGroups": [{"name": "together", "policy": "affinity"}],
    "servers": [{"count": 2, "name": "pair", "host": "comp0", "group": "together"}, {"name": "vm", "host": "comp0"}]}'
  fail_host comp0
  evacuator start
  passes_until said_of pair-1
  passes_until said_of pair-2
  pass
  assert_equal "$code" 190
  assert_evacuated_once vm
  assert_regex "$(reason)" 'pair-[12] \(.*server group together \(affinity\) ties it to the dead host'
  refute evacuated comp0
}

@test "anti-affinity: no two members on one host, and the one for which none is left is named with its group" {
  cloud --scenario '{"serverGroups": [{"name": "apart", "policy": "anti-affinity"}],
    "servers": [{"name": "here", "host": "comp0", "group": "apart"}, {"name": "there", "host": "comp1", "group": "apart"},
      {"name": "elsewhere", "host": "comp2", "group": "apart"}, {"name": "vm", "host": "comp0"}]}'
  fail_host comp0
  evacuator start
  passes_until said_of here
  pass
  assert_equal "$code" 190
  assert_evacuated_once vm
  assert_regex "$(reason)" 'here \(.*server group apart \(anti-affinity\) allows it only hosts without another member'
  # Room for it: a host without a member.
  sim POST hosts '"comp3"'
  passes_until_done comp0
  assert_server here comp3 ACTIVE
  assert_no_violations
}
