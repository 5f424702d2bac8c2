#!/usr/bin/env bats
# fence_compute off: the mark first, then Nova; and what happens when either is in trouble.

bats_require_minimum_version 1.5.0

setup() {
  load helpers/simulators
  cloud_start --speed 20 --scenario '{"servers": [{"count": 2, "name": "vm", "host": "comp0"}]}'
  cluster_start ctl0 comp0 comp1 comp2
}
teardown() {
  cloud_stop
}

marks() { # NODE   prints the two copies, transient/permanent
  printf '%s/%s' "$(mark_transient "$1")" "$(mark_permanent "$1")"
}

service() { # HOST   prints its line without the name
  local name rest
  while read -r name rest; do
    if [ "$name" = "$1" ]; then printf '%s\n' "$rest"; fi
  done < <(sim_services)
}

held_down() { # HOST
  [[ $(service "$1") == 'down disabled forced_down Pacemaker fenced this host at '20*'Z'* ]]
}

fence_off() { fence action=off nodename=comp0 port=comp0 "$@"; }

@test "off marks the host twice, forces it down, then disables it with a reason" {
  run --separate-stderr fence_off
  assert_success
  assert_output ''
  [ -z "$stderr" ]
  assert_equal "$(marks comp0)" yes/yes
  held_down comp0
  run sim_requests '^PUT'
  assert_equal "${#lines[@]}" 2
  assert_no_violations
}

@test "off on a Nova that knows nothing newer than 2.11 or 2.1" {
  for version in 2.52 2.11; do
    sim PUT knobs "{\"maxMicroversion\": \"$version\"}"
    run fence action=off nodename=comp1 port=comp1
    assert_success
    held_down comp1
    sim PUT hosts/comp1 '{"disabled": false, "forcedDown": false, "disabledReason": null}'
  done
}

@test "the mark comes before anything is asked of the cloud" {
  sim_fault '{"service": "keystone", "hang": true}'
  fence_off power_timeout=30 >/dev/null 2>&1 &
  pid=$!
  wait_until 5 eval '[ "$(marks comp0)" = yes/yes ]'
  # Pacemaker ends what is late like this. The mark is there, and nothing else has been done.
  kill -KILL "$pid" 2>/dev/null || true
  wait "$pid" || true
  assert_equal "$(marks comp0)" yes/yes
  [[ $(service comp0) == 'up enabled - '* ]]
}

@test "SIGTERM ends it at once" {
  sim_fault '{"service": "keystone", "hang": true}'
  printf '%s\n' auth_url="$CLOUD_AUTH_URL" login=a passwd=b tenant_name=c port=comp0 nodename=comp0 >"$BATS_TEST_TMPDIR/options"
  "$REPO/dist/fence_compute" <"$BATS_TEST_TMPDIR/options" 2>/dev/null &
  pid=$!
  wait_until 5 eval '[ "$(marks comp0)" = yes/yes ]'
  kill -TERM "$pid"
  code=0
  wait "$pid" || code=$?
  assert_equal "$code" 143
}

@test "off is idempotent" {
  run fence_off
  assert_success
  reason=$(service comp0)
  run fence_off
  assert_success
  assert_equal "$(marks comp0)" yes/yes
  assert_equal "$(service comp0)" "$reason"
  assert_equal "$(sim_count '^PUT')" 2
}

@test "a host that is down and disabled already is marked all the same" {
  sim PUT hosts/comp0 '{"disabled": true, "forcedDown": true, "disabledReason": "broken fan"}'
  run fence_off
  assert_success
  assert_equal "$(marks comp0)" yes/yes
  assert_equal "$(service comp0)" 'down disabled forced_down broken fan'
}

@test "a claim is left alone, and its permanent copy is made right" {
  claim=ctl1@$(date +%s)
  cluster set evacuate comp0 "$claim"
  run fence_off
  assert_success
  assert_equal "$(marks comp0)" "$claim/yes"
}

@test "a mark that lost its transient copy gets it back" {
  cluster forever evacuate comp0 yes
  run fence_off
  assert_success
  assert_equal "$(marks comp0)" yes/yes
}

@test "a host evacuated before is marked anew while it has instances" {
  cluster set evacuate comp0 no
  cluster forever evacuate comp0 no
  run fence_off
  assert_success
  assert_equal "$(marks comp0)" yes/yes
}

@test "a host evacuated before keeps its no when it has none" {
  cluster set evacuate comp1 no
  cluster forever evacuate comp1 no
  run fence action=off nodename=comp1 port=comp1
  assert_success
  assert_equal "$(marks comp1)" no/no
  held_down comp1
}

@test "a host evacuated before is marked anew when Nova cannot be asked" {
  cluster set evacuate comp1 no
  cluster forever evacuate comp1 no
  sim POST services/nova/stop
  run fence action=off nodename=comp1 port=comp1 power_timeout=1
  assert_success
  assert_equal "$(marks comp1)" yes/yes
}

@test "a host that Nova does not know: the mark is taken back, exit 1, one sentence" {
  run fence action=off nodename=comp9 port=comp9
  assert_failure 1
  assert_equal "${#lines[@]}" 1
  assert_output --partial 'ERROR: Nova does not know about comp9'
  assert_equal "$(marks comp9)" /
  assert_equal "$(sim_count '^PUT')" 0
}

@test "a name that could mean two hosts is refused with both, and the mark is taken back" {
  sim POST hosts '{"name": "hv.a"}'
  sim POST hosts '{"name": "hv.b"}'
  run fence action=off nodename=comp1 port=hv
  assert_failure 1
  assert_output --partial 'hv.a or hv.b'
  assert_equal "$(marks comp1)" /
  assert_equal "$(sim_count '^PUT')" 0
  run fence action=off nodename=comp1 port=hv domain=b
  assert_success
  held_down hv.b
  assert_equal "$(marks comp1)" yes/yes
}

@test "the mark bears the cluster's name of the node, Nova hears its own" {
  sim POST hosts '{"name": "hv-1.example.org"}'
  run fence action=off nodename=comp2 port=hv-1
  assert_success
  assert_equal "$(marks comp2) $(marks hv-1) $(marks hv-1.example.org)" 'yes/yes / /'
  held_down hv-1.example.org
}

@test "called by hand without nodename, a name that is no node has a transient mark" {
  sim POST hosts '{"name": "hv-1"}'
  run fence action=off port=hv-1
  assert_success
  assert_equal "$(marks hv-1)" yes/
}

@test "hyphenated keys, aliases and record_only=1 of the field" {
  run bash -c "printf '%s\n' auth-url='$CLOUD_AUTH_URL' endpoint-type=internalURL username=admin password=adminpw \
    tenant-name=admin domain=localdomain record-only=1 no-shared-storage=1 verbose=1 user_domain=Default \
    project-domain=Default region_name= action=disable nodename=comp0 plug=comp0 | '$REPO/dist/fence_compute'"
  assert_success
  refute_output --partial 'unknown option'
  refute_output --partial adminpw
  assert_equal "$(marks comp0)" yes/yes
  held_down comp0
}

@test "the command line does the same" {
  run "$REPO/dist/fence_compute" -k "$CLOUD_AUTH_URL" -l admin -p adminpw -t admin -o off -n comp0
  assert_success
  assert_equal "$(marks comp0)" yes/yes
  held_down comp0
}

@test "a password script, even one that fails after printing" {
  run bash -c "printf '%s\n' auth_url='$CLOUD_AUTH_URL' login=admin passwd=wrong tenant_name=admin action=off \
    'passwd_script=printf \"adminpw\n\n\"; echo hello >&2; exit 3' nodename=comp0 port=comp0 | '$REPO/dist/fence_compute'"
  assert_success
  assert_output hello
  held_down comp0
}

@test "a password script that hangs does not endanger the fencing" {
  run fence_off 'passwd_script=sleep 60'
  assert_success
  assert_output --partial 'The password script did not end within'
  assert_equal "$(marks comp0)" yes/yes
}

@test "delay counts from the start, for off alone" {
  SECONDS=0
  run fence action=status port=comp0 delay=5
  assert_success
  [ "$SECONDS" -lt 4 ]
  run fence_off delay=1
  assert_success
  [ "$SECONDS" -ge 2 ]
}

# --- trouble with the attribute daemon: nothing recorded is a failure --------------------------------------------

@test "no attribute daemon: exit 1, one sentence, nothing told to Nova" {
  cluster down
  run fence_off quiet=0
  assert_failure 1
  assert_line --partial 'ERROR: comp0 could not be marked for evacuation: '
  assert_equal "$(sim_count)" 0
}

@test "attrd_updater that is not installed: exit 1" {
  cluster missing attrd_updater
  # In a mount namespace of its own, whose /usr/sbin is empty: this machine may have a Pacemaker.
  export FENCE_COMPUTE="$BATS_TEST_TMPDIR/without-pacemaker"
  local own=
  [[ $EUID == 0 ]] || own=--map-root-user
  printf '#!/bin/sh\nexec unshare --mount %s sh -c "mount -t tmpfs none /usr/sbin && exec %s"\n' \
    "$own" "$REPO/dist/fence_compute" >"$FENCE_COMPUTE"
  chmod +x "$FENCE_COMPUTE"
  run fence_off
  assert_failure 1
  assert_line --partial 'ERROR: comp0 could not be marked for evacuation: '
  assert_line --partial 'attrd_updater is not installed on this machine'
  assert_equal "$(sim_count)" 0
}

@test "attrd_updater that fails: exit 1" {
  cluster fail attrd_updater.update always 1 'attrd_updater: Could not update evacuate=yes'
  run fence_off
  assert_failure 1
  assert_line --partial 'could not be marked for evacuation'
  assert_equal "$(sim_count)" 0
}

@test "a permanent copy that cannot be written: exit 1" {
  cluster fail crm_attribute.update always 102 'crm_attribute: Could not connect to the CIB'
  run fence_off
  assert_failure 1
  assert_line --partial 'could not be marked for evacuation'
  assert_equal "$(sim_count)" 0
}

@test "attrd_updater that fails once is asked again: no second power cycle for that" {
  cluster fail attrd_updater.update 1 1 'attrd_updater: no'
  run fence_off
  assert_success
  assert_equal "$(marks comp0)" yes/yes
}

@test "attrd_updater that hangs is stopped after power_timeout: exit 1" {
  cluster hang attrd_updater.update
  SECONDS=0
  run fence_off power_timeout=2
  assert_failure 1
  assert_line --partial 'could not be marked for evacuation'
  [ "$SECONDS" -lt 15 ]
  assert_equal "$(sim_count)" 0
}

# --- trouble with the cloud: the mark is safe, so the fencing succeeds -------------------------------------------

left_to_evacuate() {
  assert_success
  assert_equal "${#lines[@]}" 1
  assert_output --partial 'WARNING: Exception from attempt to force host down via nova API: '
  assert_output --partial 'comp0 is marked, and NovaEvacuate tells Nova before it evacuates.'
  assert_equal "$(marks comp0)" yes/yes
}

@test "Keystone away" {
  sim POST services/keystone/stop
  run fence_off power_timeout=2
  left_to_evacuate
}

@test "a wrong password, without repeating it and without showing it" {
  run fence_off passwd=hunter2
  left_to_evacuate
  refute_output --partial hunter2
  assert_equal "$(sim_count 'POST keystone')" 1
}

@test "Nova away" {
  sim POST services/nova/stop
  run fence_off power_timeout=2
  left_to_evacuate
}

@test "Nova answers 503 for good" {
  sim_fault '{"service": "nova", "status": 503}'
  run fence_off power_timeout=2
  left_to_evacuate
}

@test "Nova hangs" {
  sim_fault '{"service": "nova", "path": "os-services", "hang": true}'
  SECONDS=0
  run fence_off power_timeout=3
  left_to_evacuate
  [ "$SECONDS" -lt 10 ]
}

@test "Nova forbids" {
  sim_fault '{"service": "nova", "method": "PUT", "status": 403}'
  run fence_off power_timeout=3
  left_to_evacuate
}

@test "Nova answers nonsense" {
  sim_fault '{"service": "nova", "path": "os-services", "text": "<html>"}'
  run fence_off power_timeout=3
  left_to_evacuate
}

@test "what fails in passing is repeated" {
  for fault in '"times": 2, "status": 503' '"times": 2, "status": 500' '"times": 2, "reset": "before"' \
    '"times": 2, "reset": "after"' '"times": 1, "expireTokens": true'; do
    sim_fault "{\"service\": \"nova\", \"path\": \"os-services\", $fault}"
    run fence_off
    assert_success
    assert_output ''
    held_down comp0
    sim_no_faults
    sim PUT hosts/comp0 '{"disabled": false, "forcedDown": false, "disabledReason": null}'
  done
}

@test "the service of another host is never touched" {
  run fence_off
  assert_success
  assert_equal "$(service comp1) $(service comp2)" 'up enabled - - up enabled - -'
}

@test "one multi-digit label is no prefix of another" {
  sim POST hosts '{"name": "comp"}'
  sim POST hosts '{"name": "comp01"}'
  run fence_off
  assert_success
  held_down comp0
  assert_equal "$(service comp) $(service comp01)" 'up enabled - - up enabled - -'
}
