#!/usr/bin/env bats
# What becomes of a failed host's instances, judged by the cloud: every one ends right, none is asked for twice.

bats_require_minimum_version 1.5.0

setup() {
  load helpers/simulators
  cluster_start ctl0 comp0 comp1 comp2
}
teardown() { cloud_stop; }

cloud() { cloud_start --speed 20 "$@"; }
posts() { sim_count 'POST nova .*/action'; }
progress() { cluster get evacuation-"$1" ctl0 || true; }

# passes_until_done HOST [SECONDS]   monitors as Pacemaker does, until the mark is `no`
passes_until_done() {
  local end=$((SECONDS + ${2:-60}))
  until [ "$(mark_permanent "$1")" = no ]; do
    [ "$SECONDS" -lt "$end" ] || fail "the mark of $1 is still '$(mark_transient "$1")' after ${2:-60} s"
    evacuator monitor || true
    sleep 0.2
  done
}

@test "twenty instances of mixed states: evacuated exactly once each, active ones run, stopped ones stay off" {
  cloud --scenario '{"servers": [
    {"count": 12, "name": "vm", "host": "comp0"}, {"count": 4, "name": "off", "host": "comp0", "state": "stopped"},
    {"count": 2, "name": "vol", "host": "comp0", "image": null}, {"name": "bad", "host": "comp0", "state": "error"},
    {"name": "locked", "host": "comp0", "locked": true}, {"name": "other", "host": "comp1"}]}'
  fail_host comp0
  evacuator start
  run -0 evacuator monitor
  assert_line --partial 'Initiating evacuation of comp0'
  assert_line --partial 'Completed evacuation of comp0'
  assert_marks comp0 no no
  local name
  for name in vm-{1..12} vol-{1,2} bad locked off-{1..4}; do
    read -r host status task _ < <(sim_server "$name")
    refute [ "$host" = comp0 ]
    assert_equal "$task" -
    case $name in off-*) assert_equal "$name $status" "$name SHUTOFF" ;; *) assert_equal "$name $status" "$name ACTIVE" ;; esac
  done
  assert_evacuated_once vm-{1..12} vol-{1,2} bad locked off-{1..4}
  assert_server other comp1 ACTIVE
  assert_equal "$(posts)" 20
  assert_no_violations
}

@test "the whole way: fence_compute's off, then NovaEvacuate, for a host Nova has not yet missed" {
  cloud --scenario '{"servers": [{"count": 3, "name": "vm", "host": "comp0"}]}'
  sim POST hosts/comp0/kill
  cluster offline comp0
  run -0 fence action=off nodename=comp0 port=comp0
  assert_marks comp0 yes yes
  evacuator start
  run -0 evacuator monitor
  assert_evacuated_once vm-{1..3}
  assert_marks comp0 no no
  assert_no_violations
}

@test "a fencing that could not reach Nova: the pass forces the host down and disables it before it asks" {
  cloud --scenario '{"servers": [{"name": "vm", "host": "comp0"}]}'
  sim POST hosts/comp0/kill
  mark comp0
  cluster fenced comp0
  evacuator start
  run -0 evacuator monitor
  run sim_services
  assert_line --regexp '^comp0 down disabled forced_down .'
  assert_evacuated_once vm
  assert_no_violations
}

@test "no mark, no evacuation: a host that is down for other reasons is left alone" {
  cloud --scenario '{"servers": [{"name": "vm", "host": "comp0"}]}'
  fail_host comp0
  cluster forever-delete evacuate comp0
  cluster purge comp0
  evacuator start
  run -0 evacuator monitor
  assert_equal "$(sim_count)" 0
}

@test "the transient mark was purged: the permanent one is enough, and is mirrored back" {
  cloud --scenario '{"servers": [{"name": "vm", "host": "comp0"}]}'
  fail_host comp0
  cluster purge comp0
  evacuator start
  run -0 evacuator monitor
  assert_evacuated_once vm
  assert_marks comp0 no no
}

@test "a mark purged again and again while the pass is at work is not lost" {
  cloud --set spawn=1500 --scenario '{"servers": [{"count": 3, "name": "vm", "host": "comp0"}]}'
  fail_host comp0
  evacuator start
  (for _ in 1 2 3 4 5 6 7 8; do sleep 0.2; cluster purge comp0; done) &
  passes_until_done comp0 40
  wait
  assert_evacuated_once vm-{1..3}
  assert_equal "$(mark_permanent comp0)" no
  assert_no_violations
}

@test "old microversions: 2.1, where shared storage has to be named" {
  cloud --set maxMicroversion=2.1 --scenario '{"servers": [{"count": 2, "name": "vm", "host": "comp0"}]}'
  fail_host comp0
  # 2.1 cannot force down, so the service has to be down by its heartbeats.
  sim PUT knobs '{"serviceDownTime": 1}'
  evacuator start
  run -0 evacuator monitor
  assert_evacuated_once vm-1 vm-2
  assert_no_violations
}

@test "old microversions: 2.11, local disks" {
  cloud --set maxMicroversion=2.11 --set sharedStorage=false --scenario '{"servers": [{"name": "vm", "host": "comp0"}]}'
  fail_host comp0
  evacuator start
  run -0 evacuator monitor OCF_RESKEY_no_shared_storage=true
  assert_evacuated_once vm
  assert_no_violations
}

@test "microversions between and beyond: 2.14, 2.53, 2.59, 2.96" {
  local version
  for version in 2.14 2.53 2.59 2.96; do
    cloud --set maxMicroversion=$version --scenario '{"servers": [{"name": "vm", "host": "comp0"}]}'
    fail_host comp0
    evacuator start
    run -0 evacuator monitor
    assert_evacuated_once vm
    assert_no_violations
    cloud_stop
  done
}

@test "an instance that Nova does not evacuate is named, and holds up neither the others nor the mark" {
  cloud --scenario '{"servers": [{"name": "ice", "host": "comp0", "state": "paused"},
    {"name": "sleeper", "host": "comp0", "state": "suspended"}, {"count": 2, "name": "vm", "host": "comp0"}]}'
  fail_host comp0
  evacuator start
  run -0 evacuator monitor
  assert_line --regexp 'ice .*paused'
  assert_line --regexp 'sleeper .*suspended'
  assert_evacuated_once vm-1 vm-2
  assert_marks comp0 no no
  assert_equal "$(posts)" 2
}

@test "an instance with a task its dead host cannot finish is evacuated" {
  cloud --scenario '{"servers": [{"name": "vm", "host": "comp0", "task": "powering-off"}]}'
  fail_host comp0
  evacuator start
  run -0 evacuator monitor
  assert_evacuated_once vm
  assert_no_violations
}

@test "an instance that is deleted meanwhile holds nothing up" {
  cloud --set spawn=2000 --scenario '{"servers": [{"name": "gone", "host": "comp0"}, {"name": "vm", "host": "comp0"}]}'
  fail_host comp0
  evacuator start
  (sleep 1; sim DELETE servers/gone) &
  passes_until_done comp0 40
  wait
  assert_evacuated_once vm
}

@test "a rebuild that fails is tried again, named meanwhile, degraded, and succeeds in the end" {
  cloud --scenario '{"hosts": ["comp0", {"name": "comp1", "spawnFail": true}, {"name": "comp2", "spawnFail": true}],
    "servers": [{"name": "vm", "host": "comp0"}]}'
  fail_host comp0
  evacuator start
  # It ends by itself: the second attempt is due after that.
  MONITOR_TIMEOUT=16000
  run -190 evacuator monitor
  assert_line --regexp '^ocf-exit-reason:.*vm .*spawn_fail'
  refute [ "$(mark_transient comp0)" = no ]
  assert_equal "$(mark_permanent comp0)" yes
  assert_regex "$(progress comp0)" '^0/1 done.*1 failed'
  sim PUT hosts/comp1 '{"spawnFail": false}'
  sim PUT hosts/comp2 '{"spawnFail": false}'
  MONITOR_TIMEOUT=20000
  passes_until_done comp0 40
  assert_equal "$(sim_migrations | grep -c ' done$')" 1
  refute [ "$(sim_server vm | cut -d' ' -f1)" = comp0 ]
  assert_no_violations
}

@test "where the cluster does not understand degraded, the exit is 0 and the reason stands all the same" {
  cloud --scenario '{"hosts": ["comp0", {"name": "comp1", "spawnFail": true}], "servers": [{"name": "vm", "host": "comp0"}]}'
  fail_host comp0
  evacuator start
  MONITOR_TIMEOUT=16000
  run -0 evacuator monitor OCF_RESKEY_crm_feature_set=3.0.14
  assert_line --regexp '^ocf-exit-reason:.*vm '
}

@test "no host is left: reported as failed, evacuated as soon as one is back" {
  cloud --scenario '{"servers": [{"count": 2, "name": "vm", "host": "comp0"}]}'
  sim PUT hosts/comp1 '{"disabled": true}'
  sim PUT hosts/comp2 '{"disabled": true}'
  fail_host comp0
  evacuator start
  MONITOR_TIMEOUT=4000
  run -190 evacuator monitor
  assert_line --regexp '^ocf-exit-reason:.*comp0'
  sim PUT hosts/comp2 '{"disabled": false}'
  MONITOR_TIMEOUT=20000
  passes_until_done comp0 30
  assert_server vm-1 comp2 ACTIVE
  assert_server vm-2 comp2 ACTIVE
  assert_no_violations
}

@test "the target dies in mid-evacuation: once it is fenced, its record counts for nothing and a third host takes over" {
  cloud --scenario '{"hosts": ["comp0", {"name": "comp1", "spawn": 3600000}, {"name": "comp2", "disabled": true}],
    "servers": [{"name": "vm", "host": "comp0"}]}'
  fail_host comp0
  evacuator start
  MONITOR_TIMEOUT=10000
  run evacuator monitor
  assert_equal "$(sim_migrations)" 'vm comp0 comp1 pre-migrating'
  sim PUT hosts/comp2 '{"disabled": false}'
  # As long as nobody knows that the target is dead, the evacuation counts as under way.
  sim POST hosts/comp1/kill
  run evacuator monitor
  assert_equal "$(posts)" 1
  # Its fencing is measured on Nova's clock, so it counts at once: a mark set by hand would take a minute of silence.
  cluster offline comp1
  run -0 fence action=off nodename=comp1 port=comp1
  MONITOR_TIMEOUT=20000
  passes_until_done comp0 40
  passes_until_done comp1 40
  assert_server vm comp2 ACTIVE
  assert_equal "$(sim_migrations)" $'vm comp0 comp1 pre-migrating\nvm comp0 comp2 done'
  assert_no_violations
}

@test "the conductor is away: what was accepted is waited for, never asked again" {
  cloud --scenario '{"servers": [{"count": 3, "name": "vm", "host": "comp0"}]}'
  fail_host comp0
  sim POST conductor/stop
  evacuator start
  MONITOR_TIMEOUT=10000
  run -0 evacuator monitor
  assert_line --regexp '^ocf-exit-reason:'
  run -0 evacuator monitor
  assert_equal "$(posts)" 3
  assert_regex "$(progress comp0)" '^0/3 done, 3 in flight'
  sim POST conductor/start
  MONITOR_TIMEOUT=20000
  passes_until_done comp0 30
  assert_evacuated_once vm-{1..3}
  assert_no_violations
}

@test "the connection breaks after Nova accepted: looked up, not repeated" {
  cloud --scenario '{"servers": [{"count": 4, "name": "vm", "host": "comp0"}]}'
  fail_host comp0
  sim_fault '{"method": "POST", "path": "/action$", "times": 2, "reset": "after"}'
  evacuator start
  passes_until_done comp0 90
  assert_evacuated_once vm-{1..4}
  assert_equal "$(posts)" 4
  assert_no_violations
}

@test "a gateway times out although Nova accepted: looked up, not repeated" {
  cloud --scenario '{"servers": [{"count": 2, "name": "vm", "host": "comp0"}]}'
  fail_host comp0
  sim_fault '{"method": "POST", "path": "/action$", "times": 1, "status": 504, "text": "<html>Gateway Timeout</html>", "effect": true}'
  evacuator start
  passes_until_done comp0 90
  assert_evacuated_once vm-1 vm-2
  assert_no_violations
}

@test "the connection breaks before Nova heard of it: asked again, late enough" {
  cloud --scenario '{"servers": [{"name": "vm", "host": "comp0"}]}'
  fail_host comp0
  sim_fault '{"method": "POST", "path": "/action$", "times": 1, "reset": "before"}'
  evacuator start
  passes_until_done comp0 120
  assert_evacuated_once vm
  assert_equal "$(posts)" 2
  assert_no_violations
}

@test "Nova asks to slow down (429, 503 with Retry-After): obeyed, and all arrive" {
  cloud --scenario '{"servers": [{"count": 4, "name": "vm", "host": "comp0"}]}'
  fail_host comp0
  sim_fault '{"method": "POST", "path": "/action$", "times": 2, "status": 429, "headers": {"Retry-After": "1"}}'
  sim_fault '{"method": "GET", "path": "/os-migrations", "times": 2, "status": 503, "headers": {"Retry-After": "1"}}'
  evacuator start
  passes_until_done comp0 60
  assert_evacuated_once vm-{1..4}
  assert_no_violations
}

@test "tokens end in mid-evacuation: renewed once, nothing asked twice" {
  cloud --set spawn=1500 --scenario '{"servers": [{"count": 6, "name": "vm", "host": "comp0"}]}'
  fail_host comp0
  sim_fault '{"method": "POST", "path": "/action$", "skip": 2, "times": 1, "expireTokens": true}'
  sim_fault '{"method": "GET", "path": "/os-migrations", "skip": 2, "times": 1, "expireTokens": true}'
  evacuator start
  passes_until_done comp0 60
  assert_evacuated_once vm-{1..6}
  assert_no_violations
}

@test "a server whose request Nova refuses with an error is tried again" {
  cloud --scenario '{"servers": [{"name": "vm", "host": "comp0"}]}'
  fail_host comp0
  sim_fault '{"method": "POST", "path": "/action$", "times": 1, "status": 500,
    "json": {"computeFault": {"code": 500, "message": "Unexpected API Error."}}}'
  evacuator start
  passes_until_done comp0 120
  assert_evacuated_once vm
  assert_no_violations
}

@test "selection: a tagged flavour, a private one, an image's tag; the others are named and left" {
  cloud --scenario '{
    "flavors": [{"id": "1", "name": "plain"}, {"id": "2", "name": "ha", "extraSpecs": {"evacuable": " True "}, "isPublic": false}],
    "images": [{"name": "plain"}, {"name": "ha-image", "tags": ["evacuable", "x"]}],
    "servers": [{"name": "by-flavour", "host": "comp0", "flavor": "ha"}, {"name": "by-image", "host": "comp0", "image": "ha-image"},
      {"name": "volume", "host": "comp0", "image": null, "flavor": "ha"}, {"count": 2, "name": "plain", "host": "comp0"}]}'
  fail_host comp0
  evacuator start
  run -0 evacuator monitor
  assert_evacuated_once by-flavour by-image volume
  assert_server plain-1 comp0 ACTIVE
  assert_equal "$(posts)" 3
  assert_marks comp0 no no
  assert_line --partial 'plain-1'
}

@test "selection below 2.61, where extra specs cost a request each" {
  cloud --set maxMicroversion=2.53 --scenario '{
    "flavors": [{"id": "1", "name": "plain"}, {"id": "2", "name": "ha", "extraSpecs": {"evacuable": "true"}}],
    "servers": [{"name": "ha", "host": "comp0", "flavor": "ha"}, {"name": "plain", "host": "comp0"}]}'
  fail_host comp0
  evacuator start
  run -0 evacuator monitor
  assert_evacuated_once ha
  assert_server plain comp0 ACTIVE
}

@test "selection cannot be read (no image service): instances whose choice depends on it wait, and it is said" {
  cloud --scenario '{"servers": [{"name": "vm", "host": "comp0"}]}'
  fail_host comp0
  sim_fault '{"service": "glance", "status": 500, "text": "<html>broken</html>"}'
  evacuator start
  MONITOR_TIMEOUT=6000
  run evacuator monitor
  assert_equal "$(posts)" 0
  assert_equal "$(mark_permanent comp0)" yes
  assert_output --partial 'image'
  sim_no_faults
  MONITOR_TIMEOUT=20000
  passes_until_done comp0 40
  assert_evacuated_once vm
}

@test "two hosts at once share the concurrency: the small one does not wait for the large one" {
  cloud --set spawn=1000 --scenario '{"servers": [{"count": 24, "name": "big", "host": "comp0"}, {"count": 3, "name": "small", "host": "comp1"}]}'
  evacuator start
  # The first monitor after a start is short, whatever its timeout.
  evacuator monitor
  fail_host comp0
  fail_host comp1
  run -0 evacuator monitor OCF_RESKEY_concurrency=6 OCF_RESKEY_CRM_meta_timeout=60000
  assert_evacuated_once small-{1..3} big-{1..24}
  # Among the first six accepted, three of each.
  assert_equal "$(sim_migrations | head -6 | grep -c ' comp1 ')" 3
  assert_marks comp0 no no
  assert_marks comp1 no no
  assert_no_violations
}

@test "the first pass after a start is short: Pacemaker does nothing else before its result" {
  cloud --set spawn=4000 --scenario '{"servers": [{"count": 12, "name": "vm", "host": "comp0"}]}'
  fail_host comp0
  evacuator start
  SECONDS=0
  run -0 evacuator monitor OCF_RESKEY_concurrency=2 OCF_RESKEY_CRM_meta_timeout=600000
  [ "$SECONDS" -le 17 ]
  assert_line --regexp '^ocf-exit-reason:evacuation of comp0: .* it goes on at the next pass'
  run -0 evacuator monitor OCF_RESKEY_concurrency=12 OCF_RESKEY_CRM_meta_timeout=600000
  assert_evacuated_once vm-{1..12}
  assert_marks comp0 no no
  assert_no_violations
}

@test "a host that hangs does not block another" {
  cloud --scenario '{"servers": [{"name": "stuck", "host": "comp0"}, {"name": "vm", "host": "comp1"}]}'
  fail_host comp0
  fail_host comp1
  sim_fault '{"path": "servers/detail.*host=comp0", "hang": true}'
  evacuator start
  run evacuator monitor
  assert_evacuated_once vm
  assert_marks comp1 no no
  assert_equal "$(mark_permanent comp0)" yes
  sim_no_faults
  passes_until_done comp0 60
  assert_evacuated_once stuck
  assert_no_violations
}

@test "another's claim is respected, however old its time looks; one whose node is down is taken over" {
  cloud --scenario '{"servers": [{"name": "vm", "host": "comp0"}]}'
  cluster_start ctl0 ctl1 comp0 comp1 comp2
  fail_host comp0
  local claim
  evacuator start
  MONITOR_TIMEOUT=4000
  for claim in "ctl1@$(date +%s)" "ctl1@$(($(date +%s) - 70))"; do
    cluster set evacuate comp0 "$claim"
    run -0 evacuator monitor
    assert_line --partial 'Deferring processing partial evacuation of comp0 by ctl1'
    assert_equal "$(posts) $(mark_transient comp0)" "0 $claim"
  done
  cluster offline ctl1
  MONITOR_TIMEOUT=20000
  run -0 evacuator monitor
  assert_line --partial 'Processing partial evacuation of comp0 by ctl1'
  assert_equal "$(posts) $(mark_transient comp0)" "0 yes"
  # What ctl1 may have asked for last is given time to show.
  MONITOR_TIMEOUT=120000
  run -0 evacuator monitor
  assert_evacuated_once vm
  assert_marks comp0 no no
}

@test "two controllers at once: one works, the other defers, nothing is asked twice" {
  cloud --set spawn=1500 --scenario '{"servers": [{"count": 8, "name": "vm", "host": "comp0"}]}'
  fail_host comp0
  local other
  other=$(cluster on ctl1)
  mkdir -p "$BATS_TEST_TMPDIR/rsctmp1"
  evacuator start
  evacuator start HA_RSCTMP="$BATS_TEST_TMPDIR/rsctmp1"
  evacuator monitor &
  evacuator monitor HA_RSCTMP="$BATS_TEST_TMPDIR/rsctmp1" OCF_RESKEY_CRM_meta_on_node=ctl1 PATH="$other:$PATH" || true
  wait
  passes_until_done comp0 60
  assert_evacuated_once vm-{1..8}
  assert_equal "$(posts)" 8
  assert_no_violations
}

@test "the pass returns well before its timeout, with work left, and the next one goes on" {
  cloud --set spawn=6000 --scenario '{"servers": [{"count": 3, "name": "vm", "host": "comp0"}]}'
  fail_host comp0
  evacuator start
  MONITOR_TIMEOUT=6000
  SECONDS=0
  run -0 evacuator monitor
  assert [ "$SECONDS" -lt 6 ]
  assert_line --regexp '^ocf-exit-reason:.*comp0'
  assert_equal "$(mark_permanent comp0)" yes
  passes_until_done comp0 40
  assert_evacuated_once vm-{1..3}
  assert_equal "$(posts)" 3
  assert_no_violations
}

@test "evacuate_delay holds the evacuation back" {
  cloud --scenario '{"servers": [{"name": "vm", "host": "comp0"}]}'
  fail_host comp0
  evacuator start
  MONITOR_TIMEOUT=4000
  run -0 evacuator monitor OCF_RESKEY_evacuate_delay=600
  assert_equal "$(posts)" 0
  assert_line --regexp '^ocf-exit-reason:.*evacuate_delay'
}

@test "the progress is shown as a public attribute of the evacuating node, and taken down afterwards" {
  cloud --set spawn=4000 --scenario '{"servers": [{"count": 2, "name": "vm", "host": "comp0"}]}'
  fail_host comp0
  cluster offline comp0
  evacuator start
  evacuator monitor &
  wait_until 5 eval '[[ "$(progress comp0)" == "0/2 done, 2 in flight" ]]'
  refute [ -e "$CLUSTER/state/private/evacuation-comp0" ]
  wait
  assert_regex "$(progress comp0)" '^2/2 done'
  evacuator stop
  assert_equal "$(progress comp0)" ''
}

@test "a mark under a name that is no cluster node, as old clusters have them" {
  cloud --scenario '{"hosts": ["hv-1.example.org", "comp1"], "servers": [{"name": "vm", "host": "hv-1.example.org"}]}'
  fail_host hv-1.example.org
  cluster forever-delete evacuate hv-1.example.org
  evacuator start
  run -0 evacuator monitor
  assert_server vm comp1 ACTIVE
  assert_equal "$(mark_transient hv-1.example.org)" no
  assert_line --partial 'no permanent copy'
}

@test "node and host are spelled differently: matched by the first label" {
  cloud --scenario '{"hosts": ["comp0.example.org", "comp1.example.org"], "servers": [{"name": "vm", "host": "comp0.example.org"}]}'
  fail_host comp0.example.org
  cluster forever-delete evacuate comp0.example.org
  cluster purge comp0.example.org
  mark comp0
  evacuator start
  run -0 evacuator monitor
  assert_server vm comp1.example.org ACTIVE
  assert_marks comp0 no no
}
