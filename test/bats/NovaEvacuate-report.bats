#!/usr/bin/env bats
# What is told of an evacuation: the record of events, the metrics, the alerts, the log as JSON. None of them holds an
# evacuation up, and no secret gets into any.

bats_require_minimum_version 1.5.0

setup() {
  load helpers/simulators
  cluster_start ctl0 comp0 comp1 comp2
  events=$BATS_TEST_TMPDIR/evacuations.jsonl
  metrics=$BATS_TEST_TMPDIR/metrics/nova_evacuate_nova-evacuate.prom
  mkdir "$BATS_TEST_TMPDIR/metrics"
  alert=$BATS_TEST_TMPDIR/alert
  alerts=$BATS_TEST_TMPDIR/alerts
}
teardown() {
  # Nothing may be left running: what still waits is dropped, and the worker ends.
  rm -rf "$BATS_TEST_TMPDIR/rsctmp/nova-evacuate.alerts"
  wait_until 40 no_worker
  cloud_stop
}

cloud() { cloud_start --speed 20 "$@"; }

passes_until_done() { # HOST [NAME=VALUE...]
  local host=$1 end=$((SECONDS + 60))
  shift
  until [ "$(mark_permanent "$host")" = no ]; do
    [ "$SECONDS" -lt "$end" ] || fail "the mark of $host is still '$(mark_transient "$host")' after 60 s"
    evacuator monitor "$@" >>"$BATS_TEST_TMPDIR/said" 2>&1 || true
    sleep 0.2
  done
}

# records FIELD...   a line per record of the event log, its fields one after the other, `-` for null
records() { json_lines "$events" "$@"; }
json_lines() {
  "$NODE24" -e '
    const [file, ...fields] = process.argv.slice(1);
    for (const line of require("fs").readFileSync(file, "utf8").trimEnd().split("\n")) {
      const record = JSON.parse(line);
      console.log(fields.map((field) => record[field] ?? "-").join(" "));
    }' "$@"
}

# metric SERIES   its value; the whole file is read strictly
metric() {
  "$NODE24" --input-type=module -e '
    const [parser, file, series] = process.argv.slice(1);
    const { parseTextFormat } = await import(parser);
    const families = parseTextFormat((await import("node:fs")).readFileSync(file, "utf8"));
    const labels = (one) => Object.entries(one.labels).map(([key, text]) => `${key}="${text}"`).join(",");
    for (const { samples } of families.values()) for (const one of samples) {
      if (`${one.name}{${labels(one)}}`.replace(/resource="nova-evacuate",?/, "").replace("{}", "") === series) {
        console.log(one.value);
      }
    }' "$REPO/test/unit/NovaEvacuate/report/textFormat.ts" "$metrics" "$1"
}

# alert_program [COMMANDS]   notes each call: what, and of whom
alert_program() {
  # shellcheck disable=SC2016
  printf '#!/bin/bash\nprintf "%%s\\n" "$OS_ALERT_KIND $OS_ALERT_WHAT ${OS_ALERT_INSTANCE_NAME:-$OS_ALERT_HOST}" >>%q\n%s\n' \
    "$alerts" "${1-}" >"$alert"
  chmod +x "$alert"
}
alerted() { [ -f "$alerts" ] && grep -qxF "$1" "$alerts"; }
alert_count_is() { [ "$(grep -c "$1" "$alerts")" = "$2" ]; }

# The process that works the alerts off, by the state directory in its environment.
workers() {
  local pid
  for pid in /proc/[0-9]*; do
    [ "$(tr '\0' ' ' 2>/dev/null <"$pid/cmdline")" = 'NovaEvacuate alerts ' ] || continue
    tr '\0' '\n' 2>/dev/null <"$pid/environ" | grep -qxF "HA_RSCTMP=$BATS_TEST_TMPDIR/rsctmp" && echo "${pid#/proc/}"
  done
  return 0
}
no_worker() { [ -z "$(workers)" ]; }
a_worker() { [ -n "$(workers)" ]; }

# no_secrets FILE...   neither the password nor a token; the simulator's tokens are those it gave out
no_secrets() {
  local file
  for file; do
    run grep -cE 'adminpw|X-Auth-Token|gAAAA' "$file"
    assert_output 0
  done
}

@test "the record tells the whole incident: marked, claimed, each instance with its request, evacuated; 0640" {
  cloud --scenario '{"servers": [{"count": 3, "name": "vm", "host": "comp0"},
    {"name": "stays", "host": "comp0", "metadata": {"evacuable": "false"}}]}'
  fail_host comp0
  umask 077
  evacuator start
  passes_until_done comp0
  assert_equal "$(stat -c %a "$events")" 640
  run records about what host name
  assert_line 'host marked comp0 -'
  assert_line 'host claimed comp0 -'
  assert_line 'instance left comp0 stays'
  assert_equal "${lines[-1]}" 'host evacuated comp0 -'
  local name
  for name in vm-{1..3}; do
    assert_equal "$(records what name | grep -c "^requested $name$")" 1
    assert_equal "$(records what name | grep -c "^evacuated $name$")" 1
  done
  # One incident, by one node; the requests are Nova's own, each ended where Nova says.
  assert_equal "$(records node incident | sort -u | grep -c '^ctl0 comp0@20.*Z$')" 1
  assert_equal "$(records node incident | sort -u | wc -l)" 1
  run records what name attempt requestId
  assert_line --regexp '^requested vm-1 1 req-[0-9a-f-]{36}$'
  local request
  request=$(records what name requestId | sed -n 's/^requested vm-1 //p')
  assert_equal "$(records what name requestId | sed -n 's/^evacuated vm-1 //p')" "$request"
  read -r host _ < <(sim_server vm-1)
  assert_equal "$(records what name destination | sed -n 's/^evacuated vm-1 //p')" "$host"
  run records what name durationMs sentence
  assert_line --regexp '^evacuated vm-1 [0-9]+ '
  assert_line --regexp '^left stays - .*evacuable'
  assert_equal "$("$NODE24" -e 'console.log(JSON.stringify(JSON.parse(process.argv[1]).counts))' "$(tail -n 1 "$events")")" \
    '{"total":4,"done":3,"failed":0,"left":1}'
  no_secrets "$events"
  assert_no_violations
}

@test "passes that are killed lose nothing of the record, and leave no half lines" {
  cloud_start --set schedule=100 --set spawn=800 --scenario '{"servers": [{"count": 12, "name": "vm", "host": "comp0"}]}'
  fail_host comp0
  evacuator start
  local round pid name
  for round in 0.6 0.9 1.2 1.5; do
    (EVACUATOR_RUN='exec setsid' evacuator monitor OCF_RESKEY_concurrency=4) &
    pid=$!
    sleep "$round"
    kill -KILL -- "-$pid" || true
    wait "$pid" || true
  done
  passes_until_done comp0 OCF_RESKEY_concurrency=4
  for name in vm-{1..12}; do
    assert_equal "$name $(records what name | grep -c "^evacuated $name$")" "$name 1"
  done
  assert_equal "$(records what | grep -c '^evacuated$')" 13
  assert_evacuated_once vm-{1..12}
}

@test "a host that is taken back is told of, with a failure later being another incident" {
  cloud_start --speed 20 --set reportInterval=1000 --scenario '{"servers": [{"name": "vm", "host": "comp0"}]}'
  fail_host comp0
  evacuator start
  passes_until_done comp0
  sim_boot_host comp0
  sim_compute_start comp0
  local end=$((SECONDS + 60))
  until [ -z "$(mark_permanent comp0)" ]; do
    [ "$SECONDS" -lt "$end" ] || fail 'comp0 was not released'
    evacuator monitor OCF_RESKEY_CRM_meta_timeout=120000 OCF_RESKEY_metrics_dir="${metrics%/*}" || true
  done
  run records what host
  assert_equal "${lines[-1]}" 'released comp0'
  assert_equal "$(records incident | sort -u | wc -l)" 1
  assert_equal "$(metric 'nova_evacuate_hosts_total{event="released"}')" 1
  sleep 1
  fail_host comp0
  passes_until_done comp0
  assert_equal "$(records incident | sort -u | wc -l)" 2
}

@test "a record that cannot be kept is one warning, and none of it holds the evacuation up" {
  cloud --scenario '{"servers": [{"count": 2, "name": "vm", "host": "comp0"}]}'
  fail_host comp0
  echo secret >"$BATS_TEST_TMPDIR/shadow"
  ln -s shadow "$events"
  evacuator start
  passes_until_done comp0
  assert_evacuated_once vm-{1,2}
  assert_equal "$(cat "$BATS_TEST_TMPDIR/shadow")" secret
  assert_equal "$(grep -c 'cannot be written (it is a symbolic link)' "$BATS_TEST_TMPDIR/said")" 1
}

@test "event_log=none keeps no record" {
  cloud --scenario '{"servers": [{"name": "vm", "host": "comp0"}]}'
  fail_host comp0
  evacuator start
  passes_until_done comp0 OCF_RESKEY_event_log=none
  assert [ ! -e "$events" ]
  assert_evacuated_once vm
}

@test "the metrics: in the format, readable by all, counted across incidents, gone where the resource stops" {
  cloud --scenario '{"servers": [{"count": 3, "name": "vm", "host": "comp0"}, {"count": 2, "name": "other", "host": "comp1"}]}'
  umask 077
  evacuator start OCF_RESKEY_metrics_dir="${metrics%/*}"
  fail_host comp0
  passes_until_done comp0 OCF_RESKEY_metrics_dir="${metrics%/*}"
  assert_equal "$(stat -c %a "$metrics")" 644
  assert_equal "$(ls "${metrics%/*}")" "${metrics##*/}"
  assert_equal "$(metric 'nova_evacuate_instances_total{outcome="done"}')" 3
  assert_equal "$(metric 'nova_evacuate_requests_total')" 3
  assert_equal "$(metric 'nova_evacuate_hosts_total{event="evacuated"}')" 1
  assert_equal "$(metric 'nova_evacuate_host_duration_seconds_count')" 1
  assert_equal "$(metric 'nova_evacuate_instance_duration_seconds_bucket{le="+Inf"}')" 3
  assert_equal "$(metric nova_evacuate_in_flight_instances)" 0
  assert_equal "$(metric nova_evacuate_queued_instances)" 0
  assert [ "$(metric nova_evacuate_api_requests_total)" -gt 5 ]
  local age=$(($(date +%s) - $(metric nova_evacuate_last_pass_timestamp_seconds | cut -d. -f1)))
  assert [ "$age" -ge 0 ] && assert [ "$age" -lt 30 ]
  no_secrets "$metrics"
  # An idle pass leaves it alone; another incident is counted on top.
  local before
  before=$(stat -c %i "$metrics")
  evacuator monitor OCF_RESKEY_metrics_dir="${metrics%/*}"
  assert_equal "$(stat -c %i "$metrics")" "$before"
  fail_host comp1
  passes_until_done comp1 OCF_RESKEY_metrics_dir="${metrics%/*}"
  local total
  total=$(metric 'nova_evacuate_instances_total{outcome="done"}')
  assert [ "$total" -gt 4 ]
  assert_equal "$(metric 'nova_evacuate_hosts_total{event="evacuated"}')" 2
  evacuator stop OCF_RESKEY_metrics_dir="${metrics%/*}"
  assert [ ! -e "$metrics" ]
}

@test "errors of the cloud's APIs are counted by code" {
  cloud --scenario '{"servers": [{"name": "vm", "host": "comp0"}]}'
  sim_fault '{"service": "nova", "path": "servers/detail", "status": 500, "times": 2}'
  fail_host comp0
  evacuator start
  passes_until_done comp0 OCF_RESKEY_metrics_dir="${metrics%/*}"
  assert_equal "$(metric 'nova_evacuate_api_errors_total{code="serverError"}')" 2
}

@test "a metrics directory that is not there is one warning" {
  cloud --scenario '{"servers": [{"name": "vm", "host": "comp0"}]}'
  fail_host comp0
  evacuator start
  passes_until_done comp0 OCF_RESKEY_metrics_dir="$BATS_TEST_TMPDIR/nowhere"
  assert_evacuated_once vm
  assert_equal "$(grep -c 'WARNING: The metrics .*nowhere/.* cannot be written' "$BATS_TEST_TMPDIR/said")" 1
  assert [ ! -e "$BATS_TEST_TMPDIR/nowhere" ]
}

@test "alerts: each outcome in its order, with the facts and nothing else in the environment" {
  cloud --scenario '{"servers": [{"count": 3, "name": "vm", "host": "comp0"},
    {"name": "stays", "host": "comp0", "metadata": {"evacuable": "false"}}]}'
  # shellcheck disable=SC2016
  alert_program "env >$BATS_TEST_TMPDIR/env.\$OS_ALERT_WHAT; echo \$# \$PWD >>$BATS_TEST_TMPDIR/called"
  fail_host comp0
  evacuator start
  passes_until_done comp0 OCF_RESKEY_alert="$alert"
  wait_until 20 alerted 'host evacuated comp0'
  run -0 cat "$alerts"
  assert_equal "${lines[0]}" 'host marked comp0'
  assert_equal "${lines[-1]}" 'host evacuated comp0'
  assert_line 'instance left stays'
  for name in vm-{1..3}; do assert_equal "$(grep -c "^instance evacuated $name$" "$alerts")" 1; done
  assert_equal "$(sort -u "$BATS_TEST_TMPDIR/called")" '0 /'
  run grep -vE '^(OS_ALERT_[A-Z_]+|PATH|PWD|SHLVL|_)=' "$BATS_TEST_TMPDIR/env.evacuated"
  assert_output ''
  run cat "$BATS_TEST_TMPDIR/env.evacuated"
  assert_line 'OS_ALERT_DONE=3'
  assert_line 'OS_ALERT_NODE=ctl0'
  assert_line --regexp '^OS_ALERT_VERSION=[0-9]'
  assert_line --regexp '^OS_ALERT_SENTENCE=.'
  no_secrets "$BATS_TEST_TMPDIR"/env.*
  wait_until 20 no_worker
}

@test "an alert program that hangs holds nothing up, and the process that waits for it knows no secret" {
  cloud --scenario '{"servers": [{"count": 5, "name": "vm", "host": "comp0"}]}'
  alert_program "echo \$\$ >$BATS_TEST_TMPDIR/program; exec sleep 300"
  fail_host comp0
  evacuator start
  local before=$SECONDS
  passes_until_done comp0 OCF_RESKEY_alert="$alert"
  assert [ $((SECONDS - before)) -lt 15 ]
  assert_evacuated_once vm-{1..5}
  run workers
  assert_equal "${#lines[@]}" 1
  local worker=${lines[0]}
  tr '\0' '\n' <"/proc/$worker/environ" >"$BATS_TEST_TMPDIR/environ"
  no_secrets "$BATS_TEST_TMPDIR/environ"
  # Of a session of its own, with nothing of ours open.
  assert_equal "$(ps -o sid= -p "$worker" | tr -d ' ')" "$worker"
  run readlink "/proc/$worker/fd/0" "/proc/$worker/fd/1" "/proc/$worker/fd/2"
  assert_output $'/dev/null\n/dev/null\n/dev/null'
  alert_count_is 'host marked comp0' 1
  # The test need not wait for the program's 30 seconds.
  kill -KILL "$worker" "$(<"$BATS_TEST_TMPDIR/program")"
}

@test "a pass that is killed with its whole group takes no alert with it" {
  cloud_start --set schedule=100 --set spawn=300 --scenario '{"servers": [{"count": 4, "name": "vm", "host": "comp0"}]}'
  # The first one lasts until the pass is dead.
  # shellcheck disable=SC2016
  alert_program 'if [ $OS_ALERT_WHAT = marked ]; then until [ -e '"$BATS_TEST_TMPDIR"'/killed ]; do sleep 0.1; done; fi'
  fail_host comp0
  evacuator start
  (EVACUATOR_RUN='exec setsid' evacuator monitor OCF_RESKEY_alert="$alert" OCF_RESKEY_concurrency=1) &
  local pid=$!
  wait_until 20 alerted 'host marked comp0'
  wait_until 20 grep -qs '"instance","what":"evacuated"' "$events"
  kill -KILL -- "-$pid" || true
  wait "$pid" || true
  # What was recorded before the kill is told, though no pass runs any more.
  touch "$BATS_TEST_TMPDIR/killed"
  local told
  told=$(records about what name | grep -c '^instance evacuated')
  assert [ "$told" -lt 4 ]
  wait_until 20 no_worker
  assert_equal "$(grep -c '^instance evacuated' "$alerts" || true)" "$told"
  passes_until_done comp0 OCF_RESKEY_alert="$alert"
  wait_until 30 alerted 'host evacuated comp0'
  # The same as in the record, in the same order.
  assert_equal "$(cat "$alerts")" "$(records about what name host | grep -vE ' (claimed|requested) ' |
    sed -E 's/^host ([a-z]+) - (.*)/host \1 \2/; s/^(instance .*) comp0$/\1/')"
}

@test "alerts that a killed worker left are told by the next pass with work" {
  cloud --scenario '{"servers": [{"count": 3, "name": "vm", "host": "comp0"}, {"name": "other", "host": "comp1"}]}'
  alert_program "echo \$\$ >$BATS_TEST_TMPDIR/program; exec sleep 25"
  fail_host comp0
  evacuator start
  passes_until_done comp0 OCF_RESKEY_alert="$alert"
  wait_until 20 alerted 'host marked comp0'
  kill -KILL "$(workers)" "$(<"$BATS_TEST_TMPDIR/program")"
  assert_equal "$(cat "$alerts")" 'host marked comp0'
  alert_program
  fail_host comp1
  passes_until_done comp1 OCF_RESKEY_alert="$alert"
  wait_until 20 alerted 'host evacuated comp1'
  assert alerted 'host evacuated comp0'
  assert_equal "$(grep -c 'host marked comp0' "$alerts")" 1
}

@test "the agent is replaced by an upgrade while a pass works: its alerts are told all the same" {
  cloud_start --set schedule=100 --set spawn=1500 --scenario '{"servers": [{"name": "vm", "host": "comp0"}]}'
  alert_program
  fail_host comp0
  cp "$REPO/dist/NovaEvacuate" "$BATS_TEST_TMPDIR/NovaEvacuate"
  export NOVA_EVACUATE=$BATS_TEST_TMPDIR/NovaEvacuate
  evacuator start
  evacuator monitor OCF_RESKEY_alert="$alert" &
  wait_until 20 grep -qs '"what":"requested"' "$events"
  wait_until 20 alerted 'host marked comp0'
  wait_until 20 no_worker
  rm "$NOVA_EVACUATE"
  wait "$!"
  wait_until 20 alerted 'host evacuated comp0'
}

@test "an alert program that is missing is one warning; one that fails is told by the process that ran it" {
  cloud --scenario '{"servers": [{"count": 2, "name": "vm", "host": "comp0"}, {"count": 2, "name": "other", "host": "comp1"}]}'
  fail_host comp0
  evacuator start
  passes_until_done comp0 OCF_RESKEY_alert="$BATS_TEST_TMPDIR/nothing"
  assert_equal "$(grep -c 'WARNING: The alert program .*/nothing cannot be run' "$BATS_TEST_TMPDIR/said")" 1
  assert_evacuated_once vm-{1,2}
  run -6 --separate-stderr evacuator alerts
  assert_equal "$stderr" 'ocf-exit-reason:alert not configured'
  alert_program 'exit 255'
  fail_host comp1
  passes_until_done comp1 OCF_RESKEY_alert="$alert" HA_LOGFILE="$BATS_TEST_TMPDIR/log"
  wait_until 20 alerted 'host evacuated comp1'
  wait_until 20 no_worker
  assert_equal "$(grep -c 'WARNING: The alert program .* ended with 255' "$BATS_TEST_TMPDIR/log")" 1
}

@test "log_format=json: one object per line, with host, instance and request; the exit reason stays plain" {
  cloud --scenario '{"servers": [{"count": 2, "name": "vm", "host": "comp0"}]}'
  fail_host comp0
  evacuator start
  local end=$((SECONDS + 60))
  until [ "$(mark_permanent comp0)" = no ]; do
    [ "$SECONDS" -lt "$end" ] || fail 'comp0 was not evacuated'
    evacuator monitor OCF_RESKEY_log_format=json HA_LOGFILE="$BATS_TEST_TMPDIR/log" OCF_RESKEY_verbose=1 || true
  done
  json_lines "$BATS_TEST_TMPDIR/log" time level agent resource message >"$BATS_TEST_TMPDIR/lines"
  run cat "$BATS_TEST_TMPDIR/lines"
  assert_line --regexp '^20[0-9-]+T[0-9:.]+Z (info|notice) NovaEvacuate nova-evacuate Completed evacuation of comp0'
  refute_line --regexp ' -( |$)'
  local id
  id=$(records what name instance | sed -n 's/^evacuated vm-1 //p')
  run json_lines "$BATS_TEST_TMPDIR/log" host instance requestId
  assert_line --regexp "^comp0 $id req-"
  no_secrets "$BATS_TEST_TMPDIR/log"
  # On stderr, where only the exit reason is left.
  sim_fault '{"service": "keystone", "status": 503}'
  fail_host comp1
  MONITOR_TIMEOUT=3000 run --separate-stderr evacuator monitor OCF_RESKEY_log_format=json HA_LOGFILE="$BATS_TEST_TMPDIR/log"
  assert_equal "$status" 190
  assert_regex "$stderr" '^ocf-exit-reason:evacuations are held up: '
}

@test "what did not change is not said again: an exit reason that stays is logged once" {
  cloud --scenario '{"servers": [{"name": "vm", "host": "comp0"}]}'
  sim_fault '{"service": "nova", "method": "POST", "path": "/action", "status": 403}'
  fail_host comp0
  evacuator start
  local round
  for round in 1 2 3 4; do
    MONITOR_TIMEOUT=4000 evacuator monitor HA_LOGFILE="$BATS_TEST_TMPDIR/log" 2>"$BATS_TEST_TMPDIR/err.$round" || true
    assert_regex "$(<"$BATS_TEST_TMPDIR/err.$round")" 'ocf-exit-reason:.'
  done
  # No sentence stands in the log twice, but for requests that were made twice.
  run bash -c "sed -E 's/^.*\]: //' '$BATS_TEST_TMPDIR/log' | grep -v '^INFO: Evacuating ' | sort | uniq -d"
  assert_output ''
}
