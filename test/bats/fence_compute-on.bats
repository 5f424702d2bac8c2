#!/usr/bin/env bats
# fence_compute on: waits for the mark, then gives the host back to Nova.

bats_require_minimum_version 1.5.0

setup() {
  load helpers/simulators
  cloud_start --speed 20 --scenario '{"servers": [{"count": 2, "name": "vm", "host": "comp0"}]}'
  cluster_start ctl0 comp0 comp1 comp2
}
teardown() {
  cloud_stop
}

service() { # HOST   prints its line without the name
  local name rest
  while read -r name rest; do
    if [ "$name" = "$1" ]; then printf '%s\n' "$rest"; fi
  done < <(sim_services)
}

reports() { [[ $(service "$1") == 'up '* ]]; }

fence_on() { fence action=on nodename=comp1 port=comp1 "$@"; }

fenced() { # leaves comp1 as after a fencing that was followed by its evacuation
  fence action=off nodename=comp1 port=comp1
  cluster set evacuate comp1 no
  cluster forever evacuate comp1 no
}

@test "on takes forced_down away; once nova-compute reports, it enables the host and removes the mark" {
  # Not before this test says so, however slow the machine is.
  sim PUT knobs '{"reportInterval": 60000}'
  fenced
  run --separate-stderr fence_on
  assert_success
  assert_output ''
  [ -z "$stderr" ]
  [[ $(service comp1) == *' disabled - Pacemaker fenced'* ]]
  assert_equal "$(mark_transient comp1)/$(mark_permanent comp1)" no/no
  sim PUT knobs '{"reportInterval": 100}'
  wait_until 10 reports comp1
  run fence_on
  assert_success
  assert_equal "$(service comp1)" 'up enabled - -'
  assert_equal "$(mark_transient comp1)/$(mark_permanent comp1)" /
}

@test "on gives nothing back while the machine is off" {
  fenced
  cluster leave comp1
  run fence_on verbose=1
  assert_success
  assert_output --partial 'waits for its nova-compute to start'
  [[ $(service comp1) == 'down disabled forced_down '* ]]
}

@test "a pending mark does not hold up a cluster that starts no nova-compute before its evacuation" {
  fenced
  cluster set evacuate comp1 yes
  cluster resource nova-compute ocf:openstack:NovaCompute
  run fence_on verbose=1
  assert_success
  assert_output --partial 'still wait for evacuation'
  [[ $(service comp1) == 'down disabled forced_down '* ]]
}

@test "on does nothing for a healthy host" {
  run fence_on
  assert_success
  assert_output ''
  assert_equal "$(sim_count '^PUT')" 0
}

@test "on leaves disabled what an operator disabled, and says so" {
  sim PUT hosts/comp1 '{"disabled": true, "disabledReason": "broken fan", "forcedDown": true}'
  run fence_on
  assert_success
  assert_output --partial 'broken fan'
  wait_until 10 reports comp1
  assert_equal "$(service comp1)" 'up disabled - broken fan'
}

@test "on waits for a pending mark where unfencing would start nova-compute" {
  # So that it is not enabled yet.
  sim PUT knobs '{"reportInterval": 60000}'
  fenced
  cluster resource compute systemd:openstack-nova-compute
  cluster set evacuate comp1 yes
  (
    sleep 2
    cluster set evacuate comp1 no
  ) &
  waker=$!
  SECONDS=0
  puts=$(sim_count '^PUT .*os-services')
  run fence_on
  assert_success
  [ "$SECONDS" -ge 2 ]
  assert_equal "$(sim_count '^PUT .*os-services')" "$((puts + 1))"
  wait "$waker"
}

@test "on gives up in time when the evacuation does not end: exit 1, one sentence, nothing given back" {
  fenced
  cluster resource compute systemd:openstack-nova-compute
  cluster set evacuate comp1 "ctl0@$(date +%s)"
  run fence_on power_timeout=3
  assert_failure 1
  assert_equal "${#lines[@]}" 1
  assert_output --partial 'Instances of comp1 still wait for evacuation'
  assert_equal "$(sim_count '^PUT .*forced_down')" 0
  [[ $(service comp1) == 'down disabled forced_down '* ]]
}

@test "a mark whose transient copy was purged is pending all the same" {
  fenced
  cluster resource compute systemd:openstack-nova-compute
  cluster forever evacuate comp1 yes
  cluster purge comp1
  run fence_on power_timeout=2
  assert_failure 1
  assert_output --partial 'Instances of comp1 still wait for evacuation'
}

@test "on for a host that Nova does not know succeeds with a warning" {
  run fence action=on nodename=comp9 port=comp9
  assert_success
  assert_output --partial 'WARNING: Nova does not know about comp9'
}

@test "on says why Nova does not take the host back yet, and succeeds" {
  fence action=off nodename=comp0 port=comp0
  sim POST hosts/comp0/kill
  cluster set evacuate comp0 no
  cluster forever evacuate comp0 no
  sim_fault '{"service": "nova", "method": "PUT", "path": "os-services", "times": 1, "status": 400, "json": {"badRequest": {"code": 400, "message": "Unable to force up host comp0"}}}'
  run fence action=on nodename=comp0 port=comp0
  assert_success
  assert_output --partial 'Exception from attempt to force host back up via nova API'
  assert_output --partial 'stays forced down until'
  [[ $(service comp0) == 'down disabled forced_down '* ]]
}

@test "on fails plainly without an attribute daemon" {
  fenced
  cluster down
  run fence_on power_timeout=2
  assert_failure 1
  assert_equal "${#lines[@]}" 1
  assert_output --partial 'nobody can say whether it is being evacuated'
  [[ $(service comp1) == 'down disabled forced_down '* ]]
}

@test "on fails plainly when the cloud cannot be asked" {
  fenced
  run fence_on passwd=hunter2
  assert_failure 1
  assert_equal "${#lines[@]}" 1
  assert_output --partial 'comp1 could not be given back to Nova'
  refute_output --partial hunter2
  sim_fault '{"service": "nova", "status": 403}'
  run fence_on
  assert_failure 1
  assert_equal "${#lines[@]}" 1
  sim_no_faults
  [[ $(service comp1) == 'down disabled forced_down '* ]]
}
