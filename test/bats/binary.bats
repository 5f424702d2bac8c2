#!/usr/bin/env bats
# The single binary as a program: names, streams, environment, exit; and alone on a machine with nothing on it.

bats_require_minimum_version 1.5.0

setup() {
  load "$BATS_TEST_DIRNAME/../../node_modules/bats-support/load"
  load "$BATS_TEST_DIRNAME/../../node_modules/bats-assert/load"
  dist=$(cd "$BATS_TEST_DIRNAME/../../dist" && pwd)
}

# Copies PROGRAM alone into a root with the loader and the three libraries that every Linux has.
bare_root() { # PROGRAM
  root=$BATS_TEST_TMPDIR/root
  mkdir -p "$root"/{agents,dev,tmp}
  cp "$1" "$root/agents/"
  local library
  ldd "$1" | grep -o '/[^ ]*' | while read -r library; do
    case ${library##*/} in
      ld-linux-*.so.* | libc.so.6 | libm.so.6 | libdl.so.2 | libpthread.so.0 | libstdc++.so.6 | libgcc_s.so.1)
        install -D "$library" "$root$library"
        ;;
      *)
        echo "needs $library, which a bare machine may not have" >&2
        return 1
        ;;
    esac
  done
}

in_bare_root() { # COMMAND...
  if [[ $EUID == 0 ]]; then
    env -i "$(PATH=$PATH:/usr/sbin command -v chroot)" "$root" "$@"
  elif unshare --user --map-root-user true 2>/dev/null; then
    # A user namespace makes chroot possible without root.
    env -i "$(command -v unshare)" --user --map-root-user --root="$root" "$@"
  else
    # Neither is allowed here: the copy runs alone where it lies; which libraries it needs was checked above.
    env -i "$root$1" "${@:2}"
  fi
}

@test "all names are one file" {
  assert [ "$dist/NovaEvacuate" -ef "$dist/fence_compute" ]
  assert [ "$dist/NovaEvacuate" -ef "$dist/NovaCompute" ]
}

@test "NovaEvacuate works alone in a root with libc, libstdc++ and libgcc only, and an empty environment" {
  bare_root "$dist/NovaEvacuate"
  run -0 --separate-stderr in_bare_root /agents/NovaEvacuate meta-data
  assert_output --partial '<resource-agent name="NovaEvacuate"'
  assert_equal "$stderr" ''
}

@test "NovaCompute works alone in a root with libc, libstdc++ and libgcc only, and an empty environment" {
  bare_root "$dist/NovaCompute"
  run -0 --separate-stderr in_bare_root /agents/NovaCompute meta-data
  assert_output --partial '<resource-agent name="NovaCompute"'
  assert_equal "$stderr" ''
  run -7 --separate-stderr in_bare_root /agents/NovaCompute monitor
  assert_equal "$output$stderr" ''
}

@test "fence_compute works alone in a root with libc, libstdc++ and libgcc only, and an empty environment" {
  bare_root "$dist/fence_compute"
  run -0 --separate-stderr in_bare_root /agents/fence_compute -o metadata
  assert_output --partial '<resource-agent name="fence_compute"'
  assert_equal "$stderr" ''
}

@test "the name decides, through a symbolic link, PATH or argv[0]" {
  ln -s "$dist/NovaEvacuate" "$BATS_TEST_TMPDIR/fence_compute"
  run -0 "$BATS_TEST_TMPDIR/fence_compute" -o metadata
  assert_output --partial 'name="fence_compute"'
  PATH=$dist:$PATH run -0 NovaEvacuate meta-data
  assert_output --partial 'name="NovaEvacuate"'
  run -0 bash -c 'exec -a /somewhere/fence_compute "$1" -o metadata' - "$dist/NovaEvacuate"
  assert_output --partial 'name="fence_compute"'
}

@test "another name is told which names there are, exit 2" {
  cp -l "$dist/NovaEvacuate" "$BATS_TEST_TMPDIR/agents" || cp "$dist/NovaEvacuate" "$BATS_TEST_TMPDIR/agents"
  run -2 --separate-stderr "$BATS_TEST_TMPDIR/agents" meta-data
  assert_equal "$output" ''
  assert_equal "$stderr" \
    'This file must be called by the name of the agent to run, NovaEvacuate, NovaCompute or fence_compute, not agents.'
}

@test "stdout is whole when its reader is slow" {
  direct=$("$dist/fence_compute" -o metadata | wc -c)
  slow=$("$dist/fence_compute" -o metadata | { sleep 0.5; wc -c; })
  assert_equal "$slow" "$direct"
}

@test "a full disk behind stdout is a failure, and no stack trace" {
  run -1 bash -c '"$1" -o metadata >/dev/full' - "$dist/fence_compute"
  refute_output --partial '    at '
}

@test "a reader that goes away does no harm" {
  run bash -c '"$1" meta-data | true' - "$dist/NovaEvacuate"
  refute_output --partial '    at '
  refute_output --partial 'EPIPE'
}

@test "closed standard streams do no harm" {
  run -0 bash -c '"$1" meta-data <&- 2>&-' - "$dist/NovaEvacuate"
  assert_output --partial '<resource-agent'
  run -0 bash -c '"$1" meta-data <&- >&- 2>&-' - "$dist/NovaEvacuate"
}

@test "neither options of Node in the environment nor its warnings show" {
  NODE_OPTIONS='--jitless --trace-warnings --no-such-option' NODE_PENDING_DEPRECATION=1 \
    run -0 --separate-stderr "$dist/NovaEvacuate" meta-data
  assert_equal "$stderr" ''
}

@test "SIGUSR1 opens no debugger" {
  # Without arguments a fence agent reads options from stdin, so it waits as long as stdin stays open.
  "$dist/fence_compute" < <(sleep 3) >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
  local pid=$!
  sleep 0.5
  kill -USR1 "$pid"
  sleep 0.5
  kill "$pid" 2>/dev/null || true
  run cat "$BATS_TEST_TMPDIR/out"
  refute_output --partial 'Debugger'
}
