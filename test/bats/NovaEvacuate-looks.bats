#!/usr/bin/env bats
# Lists that Nova answers in part, and hosts that go by more than one name.

bats_require_minimum_version 1.5.0

setup() {
  load helpers/simulators
  load helpers/evacuation
  cluster_start ctl0 comp0 comp1 comp2
}

teardown() {
  cloud_stop
}

# without_cell PATH TIMES   so many requests that match are answered as if the cell's database did not answer Nova
without_cell() {
  sim_fault "{\"service\":\"nova\",\"method\":\"GET\",\"path\":\"$1\",\"withoutCell\":true,\"times\":$2}"
}

@test "two lists that leave out all instances: Placement tells of them, and they are evacuated" {
  cloud_start --speed 20 --scenario '{"servers": [{"count": 3, "name": "vm", "host": "comp0"}]}'
  evacuator start
  fail_host comp0
  without_cell /servers/detail 2
  run -0 --separate-stderr evacuator monitor
  [[ $stderr == *"Nova's list of instances leaves out 3 on comp0"* ]]
  run sim_servers
  refute_output --partial ' comp0 '
  assert_equal "$(sim GET text/violations)" ''
}

@test "instances and records that spell their hosts otherwise are on these hosts all the same" {
  cloud_start --speed 20 --set oldHostCase=true --scenario '{"servers": [{"count": 3, "name": "vm", "host": "comp0"}]}'
  evacuator start
  fail_host comp0
  run -0 --separate-stderr evacuator monitor
  [[ $stderr == *'Completed evacuation of comp0: 3 of 3 instances evacuated.'* ]]
  run sim_servers
  refute_output --partial ' comp0 '
  assert_equal "$(sim GET text/violations)" ''
}

@test "a Nova that leaves out the services of a cell that does not answer: the mark is kept, nobody is told to remove it" {
  cloud_start --speed 20 --set maxMicroversion=2.60 --scenario '{"servers": [{"count": 3, "name": "vm", "host": "comp0"}]}'
  evacuator start
  fail_host comp0
  sim PUT knobs '{"cellDown": true}' >/dev/null
  run --separate-stderr evacuator monitor
  [[ $stderr != *'remove the mark'* ]]
  [[ $stderr == *'does the database of its cell answer'* ]]
  sim PUT knobs '{"cellDown": false}' >/dev/null
  run -0 --separate-stderr evacuator monitor
  run sim_servers
  refute_output --partial ' comp0 '
}

@test "fence_compute off while such a Nova leaves out the host: 0, and the mark stays" {
  cloud_start --speed 20 --set maxMicroversion=2.60 --scenario '{"servers": [{"count": 3, "name": "vm", "host": "comp0"}]}'
  sim_power_off comp0
  sim PUT knobs '{"cellDown": true}' >/dev/null
  run -0 --separate-stderr fence action=off nodename=comp0 port=comp0
  assert_equal "$(mark_transient comp0)/$(mark_permanent comp0)" yes/yes
}

@test "a service is left over under the node's short name: the instances of the full name are evacuated" {
  cloud_start --speed 20 --set serviceDownTime=3000 --scenario '{"hosts": ["comp0", "comp0.example.org", "comp1.example.org", "comp2.example.org"],
    "servers": [{"count": 3, "name": "vm", "host": "comp0.example.org"}]}'
  sim POST hosts/comp0/kill
  sim POST hosts/comp0.example.org/kill
  cluster offline comp0
  run -0 --separate-stderr fence action=off nodename=comp0 port=comp0
  [[ $stderr == *'may be the same machine under another name'* ]]
  evacuator start
  for _ in 1 2 3; do
    sleep 1
    run --separate-stderr evacuator monitor
  done
  run sim_servers
  refute_output --partial ' comp0.example.org '
  assert_equal "$(mark_transient comp0)" no
  assert_equal "$(sim GET text/violations)" ''
}
