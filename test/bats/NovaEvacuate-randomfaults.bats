#!/usr/bin/env bats
# Everything goes wrong now and then, at random: the way may be long, the end has to be right, and no rule broken.

bats_require_minimum_version 1.5.0

setup() {
  load helpers/simulators
  cluster_start ctl0 comp0 comp1 comp2 comp3
}
teardown() { cloud_stop; }

@test "random faults of Nova, Keystone and the network, tokens that end, marks that are purged" {
  local seed=${FAULTS_SEED:-$RANDOM} end name
  RANDOM=$seed
  echo "FAULTS_SEED=$seed repeats this"
  cloud_start --speed 5 --scenario '{"hosts": ["comp0", "comp1", "comp2", "comp3"], "servers": [
    {"count": 6, "name": "a", "host": "comp0"}, {"count": 2, "name": "off", "host": "comp0", "state": "stopped"},
    {"count": 4, "name": "b", "host": "comp1"}]}'
  fail_host comp0
  fail_host comp1
  sim_fault "{\"method\": \"POST\", \"path\": \"/action\$\", \"probability\": 0.15, \"seed\": $((seed + 1)), \"reset\": \"after\"}"
  sim_fault "{\"method\": \"POST\", \"path\": \"/action\$\", \"probability\": 0.1, \"seed\": $((seed + 2)), \"status\": 504, \"text\": \"<html>\", \"effect\": true}"
  sim_fault "{\"method\": \"POST\", \"path\": \"/action\$\", \"probability\": 0.1, \"seed\": $((seed + 3)), \"delayMs\": 2500}"
  sim_fault "{\"method\": \"POST\", \"path\": \"/action\$\", \"probability\": 0.1, \"seed\": $((seed + 4)), \"status\": 503, \"headers\": {\"Retry-After\": \"1\"}}"
  sim_fault "{\"service\": \"nova\", \"probability\": 0.05, \"seed\": $((seed + 5)), \"status\": 500}"
  sim_fault "{\"service\": \"nova\", \"probability\": 0.05, \"seed\": $((seed + 6)), \"reset\": \"before\"}"
  sim_fault "{\"service\": \"nova\", \"method\": \"GET\", \"probability\": 0.05, \"seed\": $((seed + 7)), \"truncate\": true}"
  sim_fault "{\"service\": \"nova\", \"probability\": 0.05, \"seed\": $((seed + 8)), \"expireTokens\": true}"
  sim_fault "{\"service\": \"keystone\", \"probability\": 0.1, \"seed\": $((seed + 9)), \"status\": 503}"
  evacuator start
  end=$((SECONDS + 180))
  until [ "$(mark_permanent comp0)$(mark_permanent comp1)" = nono ]; do
    [ "$SECONDS" -lt "$end" ] || fail "not done after 180 s: $(sim_migrations)"
    MONITOR_TIMEOUT=$((6000 + RANDOM % 20000)) evacuator monitor || true
    [ $((RANDOM % 4)) != 0 ] || cluster purge comp$((RANDOM % 2))
  done
  # A request that was refused without a trace may be asked again; one that Nova took may not.
  assert_no_violations
  for name in a-{1..6} off-{1,2} b-{1..4}; do
    assert_equal "$name $(sim_migrations | grep -c "^$name ")" "$name 1"
    assert_regex "$(sim_server "$name")" "^comp[23] $([[ $name == off* ]] && echo SHUTOFF || echo ACTIVE) -"
  done
}

@test "slow and failing requests, and passes that are killed at random" {
  local seed=${FAULTS_SEED:-$RANDOM} end name pid
  RANDOM=$seed
  echo "FAULTS_SEED=$seed repeats this"
  cloud_start --speed 5 --scenario '{"hosts": ["comp0", "comp1", "comp2", "comp3"], "servers": [
    {"count": 8, "name": "a", "host": "comp0"}, {"count": 4, "name": "b", "host": "comp1"}]}'
  fail_host comp0
  fail_host comp1
  sim_fault "{\"method\": \"POST\", \"path\": \"/action\$\", \"probability\": 0.4, \"seed\": $((seed + 1)), \"delayMs\": 4000}"
  sim_fault "{\"method\": \"POST\", \"path\": \"/action\$\", \"probability\": 0.2, \"seed\": $((seed + 2)), \"reset\": \"after\"}"
  sim_fault "{\"service\": \"nova\", \"method\": \"GET\", \"probability\": 0.1, \"seed\": $((seed + 3)), \"status\": 503}"
  evacuator start
  for _ in 1 2 3 4; do
    (EVACUATOR_RUN='exec setsid' evacuator monitor OCF_RESKEY_concurrency=4) &
    pid=$!
    sleep "$((RANDOM % 3)).$((RANDOM % 10))5"
    kill -KILL -- "-$pid" || true
    wait "$pid" || true
  done
  end=$((SECONDS + 180))
  until [ "$(mark_permanent comp0)$(mark_permanent comp1)" = nono ]; do
    [ "$SECONDS" -lt "$end" ] || fail "not done after 180 s: $(sim_migrations)"
    MONITOR_TIMEOUT=$((6000 + RANDOM % 20000)) evacuator monitor || true
    sleep 0.5
  done
  assert_no_violations
  for name in a-{1..8} b-{1..4}; do
    assert_equal "$name $(sim_migrations | grep -c "^$name ")" "$name 1"
    assert_regex "$(sim_server "$name")" '^comp[23] ACTIVE -'
  done
}
