# A compute host for NovaCompute, beside helpers/simulators: a user whose home holds nova.conf, and nova-compute on PATH.
# Root is not needed: that user, whom a getent of ours knows, is the one who runs the tests.

# compute_host HOST [LINE of nova.conf...]   makes HOST's fake nova-compute and configuration; sets COMPUTE_HOST and
# COMPUTE_HOME, and PATH for `compute`. NovaCompute looks for a nova-compute of the user among all processes: tests that
# use this must not run at the same time (BATS_NO_PARALLELIZE_WITHIN_FILE).
compute_host() {
  COMPUTE_HOST=$1
  shift
  fake_nova_compute "$COMPUTE_HOST"
  COMPUTE_HOME=$BATS_TEST_TMPDIR/home
  mkdir -p "$COMPUTE_HOME/.nova" "$BATS_TEST_TMPDIR/bin"
  nova_conf "host = $COMPUTE_HOST" "$@"
  printf '#!/bin/sh\n[ "$3" = novatest ] || exit 2\necho "novatest:x:%s:%s::%s:/bin/sh"\n' \
    "$(id -u)" "$(id -g)" "$COMPUTE_HOME" >"$BATS_TEST_TMPDIR/bin/getent"
  chmod 0755 "$BATS_TEST_TMPDIR/bin/getent"
  PATH=$BATS_TEST_TMPDIR/bin:${FAKE_NOVA_COMPUTE%/*}:$PATH
  export PATH COMPUTE_HOST COMPUTE_HOME
}

# nova_conf LINE...   rewrites nova.conf: these lines, in [DEFAULT]; disks of instances lie on Ceph
nova_conf() {
  printf '%s\n' '[libvirt]' 'images_type = rbd' '[DEFAULT]' "$@" >"$COMPUTE_HOME/.nova/nova.conf"
}

# on_host ACTION [KEY=VALUE...]   `compute` with the process of that user
on_host() { compute "$1" runtime=process user=novatest HA_LOGFILE="$BATS_TEST_TMPDIR/log" "${@:2}"; }

# log   what it logged so far
log() { cat "$BATS_TEST_TMPDIR/log" 2>/dev/null || true; }

# state_file SUFFIX   a file that the resource keeps on this machine
state_file() { printf '%s/rsctmp-%s/nova-compute.%s' "$BATS_TEST_TMPDIR" "${COMPUTE_NODE:-comp0}" "$1"; }

# reason   the exit reason in $output
reason() { sed -n 's/^ocf-exit-reason://p' <<<"$output" | tail -1; }

# shown NODE   what crm_mon -A would show of the release
shown() { cluster get nova-compute-release "$1" || true; }

# pulses NODE   whether the machine says that it is back
pulses() { [[ $(cluster get nova-compute-returning "$1" || true) == *@* ]]; }

# gone HOST   its nova-compute does not run
gone() { ! fake_runs "$1"; }

# in_flight   whether Nova is at work on an evacuation
in_flight() { sim_migrations | grep -q ' pre-migrating$'; }

# evacuation_begins   NovaEvacuate asks for the evacuation of what is marked, and is killed while it is in flight
evacuation_begins() {
  local pid
  evacuator start
  EVACUATOR_RUN="exec setsid" evacuator monitor OCF_RESKEY_release=off >/dev/null 2>&1 3>&- &
  pid=$!
  wait_until 15 in_flight
  kill -KILL -- "-$pid"
}
