#!/usr/bin/env bats
# When not: no room, too much failed at the same time, an operator's word, a mark that is not true. What is held back is
# visible for as long as it lasts, nothing of it is asked of Nova, and it goes on by itself or at a word, without a restart.

bats_require_minimum_version 1.5.0

setup() {
  load helpers/simulators
  load helpers/evacuation
  cluster_start ctl0 ctl1 comp0 comp1 comp2 comp3
}
teardown() { cloud_stop; }

# idle_passes [NAME=VALUE...]   ten passes that have nothing to do but wait: they give their reason, and no line of the log
# stands there twice, be it theirs or of those before; requests that were made twice aside
idle_passes() {
  local round before
  before=$(sayings '^ocf-exit-reason:')
  for round in {1..10}; do pass "$@"; done
  assert_equal "$(sayings '^ocf-exit-reason:')" $((before + 10))
  assert_equal "$(said | grep -v '^ocf-exit-reason:' | sed -E 's/^[A-Z][a-z]+ +[0-9]+ [0-9:]+ //' |
    grep -v '^INFO: Evacuating ' | sort | uniq -d)" ''
}

# ---- room --------------------------------------------------------------------------------------------------

# big_and_small: two hosts with 4 GB left each; one instance of 8 GB, three of 1 GB
big_and_small() {
  cloud --scenario '{
    "hosts": ["comp0", {"name": "comp1", "memoryMb": 4096}, {"name": "comp2", "memoryMb": 4096}],
    "flavors": [{"id": "1", "name": "small", "memoryMb": 1024, "vcpus": 1, "diskGb": 1},
      {"id": "2", "name": "big", "memoryMb": 8192, "vcpus": 2, "diskGb": 1}],
    "servers": [{"name": "big", "host": "comp0", "flavor": "big", "metadata": {"evacuation_priority": "900"}},
      {"count": 3, "name": "small", "host": "comp0"}]}'
  fail_host comp0
  evacuator start
}

@test "no room: what fits goes first, what does not is deferred, shown, and never asked for; it goes on when a host is added" {
  big_and_small
  passes_until shows comp0 '^3/4 done'
  pass
  assert_equal "$code" 190
  assert_evacuated_once small-{1..3}
  assert_stayed big
  assert_equal "$(progress comp0)" '3/4 done, 1 deferred'
  assert_said 'Deferring big \(.*\) on comp0: no host has room for it now: it needs .*8192 MB of memory.*, the roomiest \(comp[12]\) has .* left\.'
  assert_regex "$(reason)" '^evacuation of comp0: 3/4 done, 1 deferred; big \(.*no host has room for it now'
  refute evacuated comp0
  idle_passes
  assert_stayed big
  sim POST hosts '{"name": "comp3", "memoryMb": 16384}'
  passes_until_done comp0
  assert_server big comp3 ACTIVE
  assert_evacuated_once big
  assert_no_violations
}

@test "two big ones, room for one: the other is deferred, not driven into No valid host" {
  cloud --scenario '{
    "hosts": ["comp0", {"name": "comp1", "memoryMb": 10000}],
    "flavors": [{"id": "2", "name": "big", "memoryMb": 8192, "vcpus": 1, "diskGb": 1}],
    "servers": [{"count": 2, "name": "big", "host": "comp0", "flavor": "big"}]}'
  fail_host comp0
  evacuator start
  # Slow answers: a request on its way takes its room already.
  sim_fault '{"method": "POST", "path": "/action$", "delayMs": 1500}'
  passes_until shows comp0 '^1/2 done, 1 deferred'
  assert_equal "$(asked evacuate | wc -l)" 1
  assert_equal "$(sim_migrations | grep -c ' done$')" 1
  refute_said 'No valid host'
}

@test "without Placement all are asked for; that nothing is left is believed once it answers" {
  cloud --scenario '{"servers": [{"count": 3, "name": "vm", "host": "comp0"}]}'
  sim_fault '{"service": "placement", "status": 503}'
  fail_host comp0
  evacuator start
  passes_until shows comp0 '^3/3 done'
  pass
  assert_evacuated_once vm-{1..3}
  assert_regex "$(reason)" 'Placement does not tell whether instances of comp0 are missing in Nova.s list'
  assert_equal "$(mark_permanent comp0)" yes
  sim_no_faults
  passes_until_done comp0
  assert_evacuated_once vm-{1..3}
}

# ---- too much at the same time -----------------------------------------------------------------------------

# two_failed [NAME=VALUE...]   comp0 failed a minute before comp1, of four hosts
two_failed() {
  cloud "$@" --scenario '{"hosts": ["comp0", "comp1", "comp2", "comp3"],
    "servers": [{"count": 2, "name": "first", "host": "comp0"}, {"count": 2, "name": "second", "host": "comp1"}]}'
  fail_host comp0
  # The time counts in whole seconds.
  sleep 1.1
  fail_host comp1
  evacuator start
}

@test "max_failed_percent: what failed last is deferred, visibly and degraded, and goes on by itself when a host is back" {
  two_failed
  passes_until_done comp0 OCF_RESKEY_max_failed_percent=25 OCF_RESKEY_release=off
  pass OCF_RESKEY_max_failed_percent=25 OCF_RESKEY_release=off
  assert_equal "$code" 190
  assert_evacuated_once first-{1,2}
  assert_equal "$(asked evacuate | grep -c second || true)" 0
  assert_regex "$(progress comp1)" '^0/2 done, 2 deferred: comp1 is deferred: 2 of 4 compute hosts are down \(50 %\), above max_failed_percent=25; '
  assert_regex "$(reason)" 'comp1.*max_failed_percent=25'
  assert_once 'Deferring the evacuation of comp1: comp1 is deferred: 2 of 4 compute hosts are down'
  idle_passes OCF_RESKEY_max_failed_percent=25 OCF_RESKEY_release=off
  # The first host is repaired: its mark goes, its service is up again.
  sim POST hosts/comp0/boot
  sim PUT hosts/comp0 '{"forcedDown": false, "disabled": false}'
  sim_compute_start comp0
  cluster online comp0
  cluster forever-delete evacuate comp0
  cluster purge comp0
  passes_until_done comp1 OCF_RESKEY_max_failed_percent=25
  assert_evacuated_once second-{1,2}
  assert_once 'The evacuation of comp1 is no longer deferred'
  assert_no_violations
}

@test "max_failed_percent is overridden at run time: a node's word, or the cluster's; no restart" {
  two_failed
  passes_until_done comp0 OCF_RESKEY_max_failed_percent=25
  pass OCF_RESKEY_max_failed_percent=25
  assert_regex "$(reason)" 'crm_attribute -N comp1 -n evacuation -l forever -v go'
  node_word comp1 go
  passes_until_done comp1 OCF_RESKEY_max_failed_percent=25
  assert_evacuated_once second-{1,2}
}

@test "the same for the whole cluster: evacuation=go" {
  two_failed
  property go
  passes_until_done comp1 OCF_RESKEY_max_failed_percent=1
  passes_until_done comp0 OCF_RESKEY_max_failed_percent=1
  assert_evacuated_once first-{1,2} second-{1,2}
}

@test "max_failed_per_aggregate, and an aggregate's own limit" {
  cloud --scenario '{"hosts": ["comp0", "comp1", "comp2", "comp3"],
    "aggregates": [{"name": "rack-1", "hosts": ["comp0", "comp1"]},
      {"name": "lenient", "hosts": ["comp2", "comp3"], "metadata": {"evacuation_max_failed": "2"}}],
    "servers": [{"name": "a", "host": "comp0"}, {"name": "b", "host": "comp1"}, {"name": "c", "host": "comp2"}]}'
  fail_host comp0
  sleep 1.1
  fail_host comp1
  fail_host comp2
  evacuator start
  passes_until_done comp0 OCF_RESKEY_max_failed_per_aggregate=1
  passes_until_done comp2 OCF_RESKEY_max_failed_per_aggregate=1
  pass OCF_RESKEY_max_failed_per_aggregate=1
  assert_equal "$code" 190
  assert_regex "$(reason)" 'comp1 is deferred: 2 of the 2 hosts of aggregate rack-1 are down, above max_failed_per_aggregate=1'
  assert_evacuated_once a c
  assert_equal "$(asked evacuate | grep -c '^b$' || true)" 0
  passes_until_done comp1 OCF_RESKEY_max_failed_per_aggregate=2
  assert_evacuated_once b
}

@test "max_hosts_at_once=1: one host after the other, the second shown as waiting, in the same pass" {
  two_failed --set spawn=400
  # The first monitor after a start is short.
  passes_until_done comp1 OCF_RESKEY_max_hosts_at_once=1 OCF_RESKEY_concurrency=1
  passes_until_done comp0
  run asked evacuate
  assert_equal "$(printf '%s ' "${lines[@]%-*}")" 'first first second second '
  assert_said 'Deferring the evacuation of comp1: comp1 waits its turn: as many hosts are being evacuated \(comp0\) as max_hosts_at_once=1 allows'
  assert_equal "$(most_in_flight)" 1
  assert_no_violations
}

# ---- an operator's word ------------------------------------------------------------------------------------

@test "evacuation=pause of the cluster: nothing is asked, shown while it lasts with what ends it; deleted, it goes on" {
  cloud --scenario '{"servers": [{"count": 2, "name": "vm", "host": "comp0"}]}'
  fail_host comp0
  property pause
  evacuator start
  pass
  assert_equal "$code" 190
  assert_equal "$(posts)" 0
  assert_regex "$(progress comp0)" '^0/2 done, 2 deferred: comp0 is paused by the cluster property evacuation=pause'
  assert_regex "$(reason)" '^comp0 is paused by .* and goes on after: crm_attribute -t crm_config -n evacuation -D'
  idle_passes
  assert_equal "$(posts)" 0
  property ''
  passes_until_done comp0
  assert_evacuated_once vm-{1,2}
}

@test "evacuation=pause of one node: the others go on; go of a node wins over a pause of the cluster" {
  cloud --scenario '{"servers": [{"name": "vm", "host": "comp0"}, {"name": "other", "host": "comp1"}]}'
  fail_host comp0
  fail_host comp1
  node_word comp0 pause
  evacuator start
  passes_until_done comp1
  assert_evacuated_once other
  assert_stayed vm
  assert_regex "$(progress comp0)" 'comp0 is paused by the attribute evacuation=pause of node comp0'
  property pause
  node_word comp0 go
  passes_until_done comp0
  assert_evacuated_once vm
}

@test "a word that is neither pause nor go counts as pause, and is named" {
  cloud --scenario '{"servers": [{"name": "vm", "host": "comp0"}]}'
  fail_host comp0
  property stop
  evacuator start
  pass
  assert_equal "$(posts)" 0
  assert_regex "$(reason)" 'paused by the cluster property evacuation="stop" \(which counts as pause\)'
}

@test "paused and resumed while a pass is at work: what Nova has accepted ends, nothing new is asked, then it goes on" {
  cloud --set spawn=1500 --scenario '{"servers": [{"count": 12, "name": "vm", "host": "comp0"}]}'
  fail_host comp0
  evacuator start
  evacuator monitor OCF_RESKEY_concurrency=2 OCF_RESKEY_CRM_meta_timeout=100000 >"$BATS_TEST_TMPDIR/said" 2>&1 &
  wait_until 20 some_in_flight
  node_word comp0 pause
  # It is read every five seconds.
  wait_until 20 shows comp0 'deferred: comp0 is paused'
  wait_until 20 none_in_flight
  local before
  before=$(asked evacuate | wc -l)
  assert [ "$before" -lt 12 ]
  wait
  assert_equal "$(asked evacuate | wc -l)" "$before"
  assert_equal "$(sim_migrations | grep -c ' done$')" "$before"
  pass OCF_RESKEY_CRM_meta_timeout=100000
  assert_equal "$(asked evacuate | wc -l)" "$before"
  node_word comp0 ''
  passes_until_done comp0
  assert_evacuated_once vm-{1..12}
  assert_no_violations
}
some_in_flight() { [ "$(in_flight)" -gt 0 ]; }
none_in_flight() { [ "$(in_flight)" = 0 ]; }

@test "a host deferred by a limit goes on within the pass that is at work on another, at an operator's word" {
  two_failed --set spawn=3000
  evacuator monitor OCF_RESKEY_concurrency=1 OCF_RESKEY_max_failed_percent=25 OCF_RESKEY_CRM_meta_timeout=100000 \
    >"$BATS_TEST_TMPDIR/said" 2>&1 &
  wait_until 20 shows comp1 'above max_failed_percent=25'
  assert_equal "$(asked evacuate | grep -c second || true)" 0
  node_word comp1 go
  wait_until 20 asked_for second-2
  # It is one and the same pass.
  kill -0 "$!"
  wait
  passes_until_done comp0
  passes_until_done comp1
  assert_evacuated_once first-{1,2} second-{1,2}
  assert_no_violations
}

# ---- a mark that is not true -------------------------------------------------------------------------------

@test "a stale mark on a host that runs: nothing is asked, it is not forced down, and it is named" {
  cloud --scenario '{"servers": [{"name": "vm", "host": "comp0"}]}'
  cluster forever evacuate comp0 yes
  cluster set evacuate comp0 yes
  evacuator start
  passes_until named_stale
  pass
  assert_equal "$code" 190
  assert_regex "$(reason)" 'comp0.* not evacuated'
  assert_equal "$(posts)" 0
  assert_equal "$(sim_count 'PUT nova')" 0
  run sim_services
  assert_line --regexp '^comp0 up enabled - '
  assert_server vm comp0 ACTIVE
  idle_passes
  assert_equal "$(sim_count 'PUT nova')" 0
  # What is told to be done is done: it is fenced.
  sim_power_off comp0
  cluster fenced comp0
  cluster leave comp0
  mark comp0
  passes_until_done comp0
  assert_evacuated_once vm
  assert_no_violations
}
named_stale() { said | grep -q 'not evacuated'; }

@test "a stale mark that is removed leaves nothing behind, and nothing shown" {
  cloud --scenario '{"servers": [{"name": "vm", "host": "comp0"}]}'
  cluster forever evacuate comp0 yes
  cluster set evacuate comp0 yes
  evacuator start
  passes_until named_stale
  cluster forever-delete evacuate comp0
  cluster purge comp0
  pass
  assert_equal "$code" 0
  assert_equal "$(progress comp0)" ''
  assert_equal "$(posts)" 0
}

@test "a mark on a host that Nova holds up and the cluster fenced is evacuated: Nova was only not told yet" {
  cloud --scenario '{"servers": [{"name": "vm", "host": "comp0"}]}'
  sim_power_off comp0
  cluster fenced comp0
  cluster forever evacuate comp0 yes
  cluster set evacuate comp0 yes
  evacuator start
  passes_until_done comp0
  assert_evacuated_once vm
  assert_no_violations
}
