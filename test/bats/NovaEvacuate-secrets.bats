#!/usr/bin/env bats
# No secret in anything that is written or shown, whatever goes wrong, with every step logged.

bats_require_minimum_version 1.5.0

setup() {
  load helpers/simulators
  load helpers/evacuation
  cluster_start ctl0 comp0 comp1 comp2
}
teardown() {
  rm -rf "$BATS_TEST_TMPDIR/rsctmp/nova-evacuate.alerts"
  cloud_stop
}

@test "neither passwords nor tokens: log, reasons, record, metrics, alerts, hints, attributes" {
  cloud --scenario '{"servers": [{"count": 4, "name": "vm", "host": "comp0"}, {"name": "left", "host": "comp0", "metadata": {"evacuable": "false"}}]}'
  mkdir "$BATS_TEST_TMPDIR/metrics"
  # shellcheck disable=SC2016
  printf '#!/bin/bash\n{ env; printf "%%s\\n" "$@"; cat "/proc/$PPID/cmdline" "/proc/$PPID/environ" | tr "\\0" "\\n"; } >>%q\n' \
    "$BATS_TEST_TMPDIR/alerted" >"$BATS_TEST_TMPDIR/alert"
  chmod +x "$BATS_TEST_TMPDIR/alert"
  fail_host comp0
  # One of each: a log-in that ends early, answers that are none, refusals, a connection that breaks.
  sim_fault '{"service": "nova", "path": "os-services", "skip": 1, "times": 1, "reset": "before"}'
  sim_fault '{"service": "nova", "path": "os-migrations", "skip": 1, "times": 1, "expireTokens": true}'
  sim_fault '{"service": "glance", "times": 1, "status": 500, "text": "adm1n"}'
  sim_fault '{"service": "nova", "path": "servers/detail", "times": 1, "truncate": true}'
  sim_fault '{"method": "POST", "path": "/action$", "times": 1, "status": 500, "text": "boom"}'
  evacuator start
  local format round=0 end=$((SECONDS + 90))
  until evacuated comp0; do
    assert [ "$SECONDS" -lt "$end" ]
    round=$((round + 1))
    format=text
    [ $((round % 2)) = 0 ] || format=json
    pass OCF_RESKEY_verbose=1 OCF_RESKEY_log_format=$format OCF_RESKEY_alert="$BATS_TEST_TMPDIR/alert" \
      OCF_RESKEY_metrics_dir="$BATS_TEST_TMPDIR/metrics" HA_LOGFILE="$BATS_TEST_TMPDIR/log" HA_DEBUGLOG="$BATS_TEST_TMPDIR/debug"
    # The hints while they are in use, and what the cluster shows.
    cat "$BATS_TEST_TMPDIR"/rsctmp/* >>"$BATS_TEST_TMPDIR/hints" 2>/dev/null || true
    find "$CLUSTER/state" -type f -exec cat {} + >>"$BATS_TEST_TMPDIR/attributes"
    sleep 1
  done
  # A wrong password is answered, and said.
  fail_host comp1
  pass OCF_RESKEY_verbose=1 OCF_RESKEY_password=wr0ng-one HA_LOGFILE="$BATS_TEST_TMPDIR/log"
  wait_until 30 alerted_end
  assert_evacuated_once vm-{1..4}
  local file
  for file in log said evacuations.jsonl metrics/nova_evacuate_nova-evacuate.prom alerted hints attributes; do
    assert [ -s "$BATS_TEST_TMPDIR/$file" ]
    run grep -nE 'adminpw|wr0ng-one|gAAAA' "$BATS_TEST_TMPDIR/$file"
    assert_output ''
  done
  # Every step was logged indeed, and requests are known by their ids.
  assert grep -q 'POST .*/action' "$BATS_TEST_TMPDIR/log" "$BATS_TEST_TMPDIR/debug" "$BATS_TEST_TMPDIR/said"
  assert grep -q 'req-' "$BATS_TEST_TMPDIR/evacuations.jsonl"
}
alerted_end() { grep -q '^OS_ALERT_WHAT=evacuated' "$BATS_TEST_TMPDIR/alerted"; }

@test "an alert command is run with nothing of the agent's environment" {
  cloud --scenario '{"servers": [{"name": "vm", "host": "comp0"}]}'
  printf '#!/bin/bash\nenv >>%q\n' "$BATS_TEST_TMPDIR/alerted" >"$BATS_TEST_TMPDIR/alert"
  chmod +x "$BATS_TEST_TMPDIR/alert"
  fail_host comp0
  evacuator start
  passes_until_done comp0 OCF_RESKEY_alert="$BATS_TEST_TMPDIR/alert" OS_PASSWORD=adminpw
  wait_until 30 alerted_end
  run grep -cE '^OCF_|^OS_PASSWORD' "$BATS_TEST_TMPDIR/alerted"
  assert_output 0
}
