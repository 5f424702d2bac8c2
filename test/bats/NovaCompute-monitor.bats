#!/usr/bin/env bats
# monitor with OCF_CHECK_LEVEL=10: what Nova says of a nova-compute that runs.

bats_require_minimum_version 1.5.0

setup_file() { export BATS_NO_PARALLELIZE_WITHIN_FILE=true; }
setup() {
  load helpers/simulators
  load helpers/computeHost
  cloud_start --speed 20
  cluster_start ctl0 comp0 comp1 comp2
  compute_host comp0
  contained
}
teardown() {
  fake_compute_stop comp0
  cloud_stop
}

# contained   a container nova_compute that has been running for an hour, as far as podman says, with that nova.conf
contained() {
  cat >"$BATS_TEST_TMPDIR/bin/podman" <<EOF
#!/bin/sh
[ "\$1" = inspect ] || exit 125
cat <<JSON
[{"State": {"Status": "running", "Pid": $$, "ExitCode": 0, "StartedAt": "$(TZ=UTC date -d '-1 hour' +%FT%TZ)"},
  "Mounts": [{"Source": "$COMPUTE_HOME/.nova", "Destination": "/etc/nova"}]}]
JSON
EOF
  chmod 0755 "$BATS_TEST_TMPDIR/bin/podman"
  mkdir -p "$BATS_TEST_TMPDIR/rsctmp-comp0"
  in_service_for '1 hour'
}
# in_service_for TIME   the host was given back to Nova that long ago
in_service_for() { touch -d "-$1" "$(state_file settled)"; }

deep() {
  COMPUTE_TIMEOUT=${COMPUTE_TIMEOUT:-60000} compute monitor runtime=podman OCF_CHECK_LEVEL=10 \
    OCF_RESKEY_CRM_meta_interval=60000 HA_LOGFILE="$BATS_TEST_TMPDIR/log" "$@"
}
# nova_says PATCH   changes what Nova answers when it is asked for its services
nova_says() {
  sim_no_faults
  sim_fault "{\"method\": \"GET\", \"path\": \"os-services\", \"patch\": $1}"
}
long_ago=$(TZ=UTC date -d '-10 minutes' +%FT%T.000000)
comp0_is_silent="\"services.0.state\": \"down\", \"services.0.updated_at\": \"$long_ago\""

@test "up and enabled: 0, nothing is said" {
  run -0 deep
  assert_output ''
  assert_equal "$(log)" ''
  assert [ "$(sim_count os-services)" -ge 1 ]
}

@test "silent for long while the others are up: 1, hung, one sentence" {
  nova_says "{$comp0_is_silent}"
  run -1 deep
  assert_regex "$(reason)" '^nova-compute of comp0 hangs: it runs, but Nova last heard from it 6[0-9][0-9] s ago, and hears from 2 of 2 others$'
}

@test "silent, and most others too: the message bus, 0, said once" {
  nova_says "{$comp0_is_silent, \"services.1.state\": \"down\", \"services.2.state\": \"down\"}"
  run -0 deep
  run -0 deep
  assert_output ''
  assert_equal "$(log | grep -c 'WARNING: Nova does not hear from comp0, nor from 2 of 2 others')" 1
}

@test "silent, but given back to Nova a minute ago: 0" {
  in_service_for '1 minute'
  nova_says "{$comp0_is_silent}"
  run -0 deep
  assert_output ''
}

@test "a nova-compute of our own that hangs (SIGSTOP) is seen running and does not fail before its time" {
  rm "$BATS_TEST_TMPDIR/bin/podman"
  on_host start
  kill -STOP "$(<"$(fake_dir comp0)/pid")"
  run -0 on_host monitor
  run -0 on_host monitor OCF_CHECK_LEVEL=10
  # A stop ends it all the same.
  COMPUTE_TIMEOUT=8000 run -0 on_host stop
  run ! fake_runs comp0
}

@test "disabled by an operator: said once, 0; said again when it changes; nothing is changed" {
  sim PUT hosts/comp0 '{"disabled": true, "disabledReason": "new memory"}'
  run -0 deep
  run -0 deep
  assert_equal "$(log | grep -c 'WARNING: comp0 was disabled in Nova by somebody else ("new memory") and stays disabled')" 1
  sim PUT hosts/comp0 '{"disabled": true, "disabledReason": "new disk"}'
  run -0 deep
  assert_equal "$(log | grep -c 'by somebody else')" 2
  assert_equal "$(sim_requests '^PUT')" ''
}

@test "forced down by somebody else: said, left alone, 0" {
  sim PUT hosts/comp0 '{"forcedDown": true}'
  run -0 deep
  run log
  assert_output --partial 'comp0 was forced down in Nova by somebody else'
  assert_equal "$(sim_requests '^PUT')" ''
  assert_marks comp0 '' ''
}

@test "held down by us and no mark left: the host is taken back" {
  sim PUT hosts/comp0 "{\"forcedDown\": true, \"disabled\": true, \"disabledReason\": \"$(fenced_now)\"}"
  sim_compute_start comp0
  run -0 deep
  wait_until 20 is_back
  assert_marks comp0 '' ''
  refute [ -e "$(state_file release)" ]
}
is_back() { deep >/dev/null 2>&1 && [[ $(sim_services) == *'comp0 up enabled -'* ]]; }

@test "marked for evacuation although it runs: not ours to decide, but shown" {
  sim PUT hosts/comp0 "{\"forcedDown\": true, \"disabled\": true, \"disabledReason\": \"$(fenced_now)\"}"
  mark comp0
  run -0 deep
  assert_regex "$(reason)" '^comp0 waits for NovaEvacuate to evacuate it'
  assert_marks comp0 yes yes
  assert_equal "$(sim_requests '^PUT')" ''
}

@test "Nova does not know the host: degraded (190), by hand 0" {
  nova_conf 'host = comp0.elsewhere' 'x = y'
  sim_fault '{"method": "GET", "path": "os-services", "patch": {"services.0.host": "comp7"}}'
  run -190 deep
  assert_regex "$(reason)" '^Nova has no compute service comp0.elsewhere although its nova-compute has been running for'
  run -0 deep OCF_RESKEY_CRM_meta_interval=0 OCF_RESKEY_crm_feature_set=3.4.1
}

@test "Nova or Keystone away, or hanging: 0 in time, a warning once, and a word when it is back" {
  sim POST services/keystone/stop
  COMPUTE_TIMEOUT=8000 run -0 deep
  assert_output ''
  COMPUTE_TIMEOUT=8000 run -0 deep
  assert_equal "$(log | grep -c 'WARNING: Whether Nova uses this host cannot be told: Keystone at .*connection refused')" 1
  sim POST services/keystone/start
  run -0 deep
  assert_equal "$(log | grep -c 'INFO: Nova can be asked about this host again')" 1
  sim_fault '{"service": "nova", "hang": true}'
  local before=$SECONDS
  COMPUTE_TIMEOUT=8000 run -0 deep
  assert [ $((SECONDS - before)) -le 7 ]
}

@test "a login that is refused or missing: 0, a warning once, no password in it" {
  for _ in 1 2; do run -0 deep password=wr0ng; done
  assert_equal "$(log | grep -c WARNING)" 1
  refute_regex "$(log)" 'wr0ng'
  run -0 deep auth_url=
  assert_regex "$(log)" 'auth_url not configured'
  run -0 deep endpoint_type=nonsense
  assert_regex "$(log)" 'endpoint_type is "nonsense"'
}

@test "the cluster away: 0" {
  cluster down
  run -0 deep
}

@test "a clock far from the API's is warned of, once" {
  sim_fault '{"service": "nova", "headers": {"Date": "Sat, 21 Nov 2020 00:00:00 GMT"}}'
  run -0 deep
  run -0 deep
  assert_equal "$(log | grep -c 'WARNING: The clock of this machine is')" 1
}
