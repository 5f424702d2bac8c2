#!/usr/bin/env bats
# Who manages nova-compute is away, or hangs: a healthy node is not fenced for that, and every action ends in time.

bats_require_minimum_version 1.5.0

setup_file() { export BATS_NO_PARALLELIZE_WITHIN_FILE=true; }
setup() {
  load helpers/simulators
  load helpers/computeHost
  cloud_start --speed 20
  cluster_start ctl0 comp0 comp1
  compute_host comp0
}
teardown() {
  fake_compute_stop comp0
  cloud_stop
}

# tool NAME   a tool of the machine; its text on stdin
tool() {
  cat >"$BATS_TEST_TMPDIR/bin/$1"
  chmod 0755 "$BATS_TEST_TMPDIR/bin/$1"
}
# lately SECONDS COMMAND   a shell's condition line: COMMAND is done within so many seconds from now
lately() { echo "if [ \$(date +%s) -lt $(($(date +%s) + $1)) ]; then $2; fi"; }
# told STATUS   what an engine says of the container
told() {
  echo "echo '[{\"State\":{\"Status\":\"$1\",\"Pid\":1,\"ExitCode\":0,\"StartedAt\":\"2026-01-01T00:00:00Z\"},\"Mounts\":[]}]'"
}
settled() {
  mkdir -p "$BATS_TEST_TMPDIR/rsctmp-comp0"
  touch "$(state_file settled)"
}
away="echo 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock.' >&2; exit 1"

@test "docker's daemon is away for 4 s: monitor 0, stop 0 through docker" {
  settled
  tool docker < <(echo '#!/bin/bash'; lately 4 "$away"; told running)
  run -0 compute monitor runtime=docker
  assert_output ''
  tool docker < <(echo '#!/bin/bash'
    lately 4 "$away"
    echo "[ \$1 != stop ] || touch $BATS_TEST_TMPDIR/stopped"
    echo "[ ! -e $BATS_TEST_TMPDIR/stopped ] || $(told exited)"
    echo "[ -e $BATS_TEST_TMPDIR/stopped ] || $(told running)")
  run -0 compute stop runtime=docker
  assert [ -e "$BATS_TEST_TMPDIR/stopped" ]
}

@test "a container that nobody tells of, with its engine dead for good: stop 0, as /proc shows nothing of it" {
  tool docker < <(echo '#!/bin/bash'; echo "$away")
  COMPUTE_TIMEOUT=10000 run -0 compute stop runtime=docker HA_LOGFILE="$BATS_TEST_TMPDIR/log"
  assert_regex "$(log)" '/proc shows no nova-compute, so it counts as stopped'
}

@test "three tools hang: a monitor of 20 s answers within 20 s" {
  settled
  local name
  for name in podman docker getent; do tool "$name" <<<$'#!/bin/bash\nexec sleep 100'; done
  SECONDS=0
  run compute monitor user=somebodyElse
  assert_equal "$status" 7
  assert [ "$SECONDS" -lt 20 ]
  assert_regex "$(reason)" '^nova-compute is not running, as far as /proc shows: .* did not end within'
}

@test "a process whose user nobody can look up: it runs, degraded; stop ends it" {
  run -0 on_host start
  settled
  rm "$(state_file pid)"
  tool getent <<<$'#!/bin/bash\nexec sleep 100'
  COMPUTE_TIMEOUT=8000 run -190 on_host monitor
  assert_regex "$(reason)" 'nova-compute is left alone, as /proc shows that it runs, as process [0-9]+, and the next monitor looks again$'
  assert fake_runs comp0
  COMPUTE_TIMEOUT=15000 run -0 on_host stop
  assert gone comp0
}
