#!/usr/bin/env bats
# In what order, and how fast: priorities and groups as the requests reach Nova; as many at the same time as Nova bears.

bats_require_minimum_version 1.5.0

setup() {
  load helpers/simulators
  load helpers/evacuation
  cluster_start ctl0 ctl1 comp0 comp1 comp2 comp3
}
teardown() { cloud_stop; }

# order [NAME...]   the names asked for, in their order, on one line; without the numbers of those that are alike
order() { asked evacuate | sed 's/-[0-9]*$//' | uniq | tr '\n' ' '; }

@test "priority: a rule before metadata before the flavour before 500, in the order of the requests" {
  cloud --scenario '{
    "flavors": [{"id": "1", "name": "plain"}, {"id": "2", "name": "prime", "extraSpecs": {"evacuation_priority": "800"}}],
    "servers": [
      {"name": "last", "host": "comp0", "metadata": {"evacuation_priority": "0"}}, {"name": "usual", "host": "comp0"},
      {"name": "odd", "host": "comp0", "metadata": {"evacuation_priority": "highest"}},
      {"name": "prime", "host": "comp0", "flavor": "prime"},
      {"name": "metadata", "host": "comp0", "flavor": "prime", "metadata": {"evacuation_priority": "700"}},
      {"name": "batch", "host": "comp0", "project": "batch", "metadata": {"evacuation_priority": "1000"}},
      {"name": "first", "host": "comp0", "project": "gold", "metadata": {"evacuation_priority": "1"}}]}'
  fail_host comp0
  evacuator start
  passes_until_done comp0 OCF_RESKEY_concurrency=1 OCF_RESKEY_priority='project=gold:900 project=batch:100'
  run asked evacuate
  # What is no number counts as none; of the same priority either may come first.
  assert_equal "${lines[*]/odd/usual}" 'first prime metadata usual usual batch last'
  assert_once 'odd \(.*\): evacuation_priority of its metadata is "highest" and is ignored, it must be a number from 0 to 1000'
  assert_equal "$(most_in_flight)" 1
  assert_no_violations
}

@test "one queue over all failed hosts: what matters on the second is asked for before what does not on the first" {
  cloud --set spawn=400 --scenario '{"servers": [{"count": 6, "name": "low", "host": "comp0", "metadata": {"evacuation_priority": "10"}},
    {"count": 4, "name": "high", "host": "comp1", "metadata": {"evacuation_priority": "900"}}]}'
  evacuator start
  fail_host comp0
  fail_host comp1
  passes_until_done comp0 OCF_RESKEY_concurrency=2
  passes_until_done comp1 OCF_RESKEY_concurrency=2
  # Until both have told what they hold each has its share; after that all of high come before the rest of low.
  run asked evacuate
  local begun=0 name
  for name in "${lines[@]}"; do
    case $name in
    low-*) begun=$((begun + 1)) ;;
    high-*) assert [ "$begun" -le 1 ] ;;
    esac
  done
  assert_evacuated_once low-{1..6} high-{1..4}
  assert_no_violations
}

@test "groups of a project start one after the other, over both hosts; other projects and the unlabelled wait for nobody" {
  cloud --set spawn=800 --scenario '{"servers": [
    {"name": "web-1", "host": "comp0", "project": "shop", "metadata": {"evacuation_group": "2-web"}},
    {"name": "db-1", "host": "comp0", "project": "shop", "metadata": {"evacuation_group": "1-db"}},
    {"name": "db-2", "host": "comp1", "project": "shop", "metadata": {"evacuation_group": "1-db"}},
    {"name": "web-2", "host": "comp1", "project": "shop", "metadata": {"evacuation_group": "2-web"}},
    {"name": "theirs-1", "host": "comp0", "project": "other", "metadata": {"evacuation_group": "2-web"}},
    {"name": "free-1", "host": "comp0", "project": "shop"}]}'
  evacuator start
  fail_host comp0
  fail_host comp1
  passes_until_done comp0
  passes_until_done comp1
  # No web before every db has arrived.
  "$NODE24" -e '
    fetch(`${process.argv[1]}/_sim/state`).then((answer) => answer.json()).then(({ migrations, servers }) => {
      const name = new Map(servers.map((server) => [server.id, server.name]));
      const of = (start) => migrations.filter(({ serverId }) => name.get(serverId).startsWith(start));
      const asked = (start) => Math.min(...of(start).map(({ createdAt }) => createdAt));
      const arrived = Math.max(...of("db").map(({ updatedAt }) => updatedAt));
      console.log(asked("web") >= arrived, asked("theirs") < arrived, asked("free") < arrived);
    });' "$CLOUD_CONTROL" >"$BATS_TEST_TMPDIR/order"
  assert_equal "$(cat "$BATS_TEST_TMPDIR/order")" 'true true true'
  assert_said 'web-[12] \(.*\) waits for group 1-db of its project, '
  assert_evacuated_once web-{1,2} db-{1,2} theirs-1 free-1
  assert_no_violations
}

@test "an instance of a group that fails for good holds its followers up only until it is given up or left" {
  cloud --scenario '{"servers": [
    {"name": "db", "host": "comp0", "state": "paused", "metadata": {"evacuation_group": "1"}},
    {"name": "gone", "host": "comp0", "metadata": {"evacuation_group": "1", "evacuable": "false"}},
    {"name": "web", "host": "comp0", "metadata": {"evacuation_group": "2"}}]}'
  fail_host comp0
  evacuator start
  passes_until_done comp0
  assert_evacuated_once web
  assert_equal "$(order)" 'web '
}

@test "a handful of requests on their way, ever more in flight while Nova answers quickly, never above the parameter" {
  cloud_start --set schedule=50 --set prepare=20 --set spawn=2500 --set settle=50 --set conductorConcurrency=100 \
    --scenario '{"servers": [{"count": 70, "name": "vm", "host": "comp0"}]}'
  fail_host comp0
  sim_fault '{"method": "POST", "path": "/action$", "times": 30, "delayMs": 300}'
  evacuator start
  passes_until_done comp0 OCF_RESKEY_concurrency=24 OCF_RESKEY_CRM_meta_timeout=120000
  # The most requests that were not answered yet when another came.
  run "$NODE24" -e '
    fetch(`${process.argv[1]}/_sim/requests?match=POST.*nova.*/action`).then((answer) => answer.json()).then((all) => {
      const open = all.map(({ at }) => all.filter((one) => one.at <= at && one.at + one.took > at).length);
      const most = Math.max(...open);
      console.log(most > 1 && most < 16 ? "a handful" : most);
    });' "$CLOUD_CONTROL"
  assert_output 'a handful'
  assert_equal "$(most_in_flight)" 24
  assert_evacuated_once vm-{1..70}
  assert_no_violations
}

@test "a Nova that refuses more than eight (429 with Retry-After) gets about eight; said once, and all arrive once" {
  cloud_start --set schedule=50 --set prepare=20 --set spawn=700 --set settle=50 --set rateLimitAbove=8 --set retryAfter=1 \
    --scenario '{"servers": [{"count": 40, "name": "vm", "host": "comp0"}]}'
  fail_host comp0
  evacuator start
  passes_until_done comp0 OCF_RESKEY_CRM_meta_timeout=60000
  assert_once 'evacuations at the same time lowered from [0-9]+ to [0-9]+: Nova '
  # Once it has fallen few are refused any more: not every instance anew.
  assert [ "$(asked | grep -c ' evacuate 429')" -le 30 ]
  assert_evacuated_once vm-{1..40}
  assert_equal "$(asked evacuate | sort | uniq -d)" ''
  assert_no_violations
}

# pause_after_refusal   how long after the answer 429 the next request came, in whole seconds; what was on its way then
# does not count
pause_after_refusal() {
  "$NODE24" -e '
    fetch(`${process.argv[1]}/_sim/requests?match=POST.*nova.*/action`).then((answer) => answer.json()).then((all) => {
      const refused = all.find(({ status }) => status === 429);
      const later = all.map(({ at }) => at - refused.at).filter((after) => after > refused.took + 300);
      console.log(Math.floor(Math.min(...later) / 1000));
    });' "$CLOUD_CONTROL"
}

@test "Retry-After is obeyed: nothing is asked before that, for any host" {
  cloud --scenario '{"servers": [{"count": 3, "name": "vm", "host": "comp0"}, {"count": 8, "name": "other", "host": "comp1"}]}'
  fail_host comp0
  fail_host comp1
  sim_fault '{"method": "POST", "path": "/action$", "skip": 2, "times": 1, "status": 429, "headers": {"Retry-After": "4"}}'
  evacuator start
  passes_until_done comp0 OCF_RESKEY_concurrency=2 OCF_RESKEY_CRM_meta_timeout=60000
  passes_until_done comp1 OCF_RESKEY_concurrency=2 OCF_RESKEY_CRM_meta_timeout=60000
  assert [ "$(pause_after_refusal)" -ge 4 ]
  assert_said 'No new evacuations .* for 4 s: '
  assert_evacuated_once vm-{1..3} other-{1..8}
}

@test "Retry-After is obeyed by the next pass as well" {
  cloud --scenario '{"servers": [{"count": 4, "name": "vm", "host": "comp0"}]}'
  fail_host comp0
  sim_fault '{"method": "POST", "path": "/action$", "skip": 1, "times": 1, "status": 429, "headers": {"Retry-After": "12"}}'
  evacuator start
  export MONITOR_TIMEOUT=8000
  passes_until_done comp0 OCF_RESKEY_concurrency=1
  assert [ "$(pause_after_refusal)" -ge 12 ]
  assert_said 'No new evacuations .* for 12 s: '
  assert_evacuated_once vm-{1..4}
}

@test "a Nova in trouble (500) is left with few, and gets more again when it is well; both said" {
  cloud_start --set schedule=30 --set prepare=20 --set spawn=300 --set settle=20 --set conductorConcurrency=100 \
    --scenario '{"servers": [{"count": 120, "name": "vm", "host": "comp0"}]}'
  fail_host comp0
  sim_fault '{"method": "POST", "path": "/action$", "times": 24, "status": 500,
    "json": {"computeFault": {"code": 500, "message": "Unexpected API Error."}}}'
  evacuator start
  WITHIN=120 passes_until_done comp0 OCF_RESKEY_CRM_meta_timeout=120000
  assert_said 'evacuations at the same time lowered from [0-9]+ to [0-9]+: Nova '
  assert_said 'evacuations at the same time raised again from [0-9]+ to [0-9]+: Nova answers quickly'
  assert_equal "$(sim_migrations | grep -c ' done$')" 120
  assert_equal "$(asked evacuate | sort | uniq -d)" ''
  assert_no_violations
}

@test "a slow Nova: answers that take several seconds all of a sudden lower the limit, and all arrive" {
  cloud --scenario '{"servers": [{"count": 24, "name": "vm", "host": "comp0"}]}'
  fail_host comp0
  sim_fault '{"method": "POST", "path": "/action$", "skip": 4, "times": 12, "delayMs": 4500}'
  evacuator start
  passes_until_done comp0 OCF_RESKEY_CRM_meta_timeout=120000
  assert_once 'evacuations at the same time lowered from [0-9]+ to [0-9]+: Nova took 4\.[0-9] s for an answer'
  assert_evacuated_once vm-{1..24}
  assert_equal "$(asked evacuate | sort | uniq -d)" ''
  assert_no_violations
}

@test "rebuilds that fail where too many run at the same time: fewer are asked for, and all arrive" {
  cloud_start --set schedule=30 --set prepare=20 --set spawn=600 --set settle=20 --set conductorConcurrency=100 --set spawnLimit=3 \
    --scenario '{"servers": [{"count": 20, "name": "vm", "host": "comp0"}]}'
  fail_host comp0
  evacuator start
  WITHIN=150 passes_until_done comp0 OCF_RESKEY_CRM_meta_timeout=120000
  assert_said 'evacuations at the same time lowered from [0-9]+ to [0-9]+: [0-9]+ of the last [0-9]+ rebuilds failed'
  assert_equal "$(sim_migrations | grep -c ' done$')" 20
  assert_no_violations
}

@test "what Nova bears is remembered from pass to pass" {
  cloud_start --set schedule=50 --set prepare=20 --set spawn=500 --set settle=50 --set rateLimitAbove=4 \
    --scenario '{"servers": [{"count": 30, "name": "vm", "host": "comp0"}]}'
  fail_host comp0
  evacuator start
  export MONITOR_TIMEOUT=12000
  passes_until_done comp0
  # At 16 again in every pass there would be a fall in each.
  assert [ "$(sayings '^ocf-exit-reason:.* it goes on at the next pass')" -ge 1 ]
  assert_once 'evacuations at the same time lowered from [0-9]+ to [0-9]+: '
  assert_evacuated_once vm-{1..30}
}
