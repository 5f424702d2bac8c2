#!/usr/bin/env bats
# The install step, into an empty DESTDIR and over other agents of the same names.

bats_require_minimum_version 1.5.0

setup() {
  load "$BATS_TEST_DIRNAME/../../node_modules/bats-support/load"
  load "$BATS_TEST_DIRNAME/../../node_modules/bats-assert/load"
  export DESTDIR=$BATS_TEST_TMPDIR/root
  install=$BATS_TEST_DIRNAME/../../build/install.sh
  program=$DESTDIR/usr/libexec/openstack-ocf-agents
  resource_agent=$DESTDIR/usr/lib/ocf/resource.d/openstack/NovaEvacuate
  compute_agent=$DESTDIR/usr/lib/ocf/resource.d/openstack/NovaCompute
  fence_agent=$DESTDIR/usr/sbin/fence_compute
}

put_original() { # FILE TEXT
  mkdir -p "$(dirname "$1")"
  printf '#!/bin/sh\necho "%s"\n' "$2" >"$1"
  chmod 0755 "$1"
}

@test "one file is installed, and each agent is a link to it that works under its name" {
  run -0 "$install"
  run -0 find "$DESTDIR" -type f
  assert_output "$program"
  run -0 "$resource_agent" meta-data
  assert_output --partial '<resource-agent name="NovaEvacuate"'
  run -0 "$compute_agent" meta-data
  assert_output --partial '<resource-agent name="NovaCompute"'
  run -0 "$fence_agent" -o metadata
  assert_output --partial '<resource-agent name="fence_compute"'
}

@test "the links are relative, so that they hold when DESTDIR becomes the root" {
  run -0 "$install"
  run -0 readlink "$resource_agent"
  assert_output '../../../../libexec/openstack-ocf-agents'
  run -0 readlink "$compute_agent"
  assert_output '../../../../libexec/openstack-ocf-agents'
  run -0 readlink "$fence_agent"
  assert_output '../libexec/openstack-ocf-agents'
}

@test "what Pacemaker starts is executable for everybody and writable for nobody else" {
  umask 077
  run -0 "$install"
  run -0 stat -c %a "$program"
  assert_output 755
}

@test "an original of the same name is kept outside Pacemaker's directories and put back at uninstall" {
  put_original "$fence_agent" 'the original'
  run -0 "$install"
  assert_output --partial "kept the fence_compute that was there as $program.orig/fence_compute"
  run -0 find "$DESTDIR/usr/sbin" -name '*fence_compute*'
  assert_output "$fence_agent"
  run -0 "$install" --uninstall
  run -0 "$fence_agent"
  assert_output 'the original'
  assert [ ! -e "$program" ] && assert [ ! -e "$program.orig" ] && assert [ ! -e "$resource_agent" ]
  assert [ ! -e "$compute_agent" ]
}

@test "installing again changes nothing and keeps the original" {
  put_original "$fence_agent" 'the original'
  run -0 "$install"
  run -0 "$install"
  refute_output --partial kept
  run -0 "$program.orig/fence_compute"
  assert_output 'the original'
}

@test "a second original (a package was updated) is not overwritten, unless forced" {
  put_original "$fence_agent" 'first'
  run -0 "$install"
  rm "$fence_agent"
  put_original "$fence_agent" 'second'
  run -1 "$install"
  assert_output --partial "$fence_agent is not ours"
  run -0 "$fence_agent"
  assert_output second
  run -0 "$install" --force
  run -0 "$program.orig/fence_compute"
  assert_output first
  run -0 readlink "$fence_agent"
}

@test "uninstall leaves alone what is not ours" {
  put_original "$resource_agent" 'somebody else'
  run -0 "$install" --uninstall
  assert_output --partial "left alone $resource_agent"
  run -0 "$resource_agent"
  assert_output 'somebody else'
}

@test "a word it does not know is refused before anything is done" {
  run -1 "$install" --dry-run
  assert_output --partial 'Usage:'
  assert [ ! -e "$DESTDIR" ]
}

@test "without a build it says what to do" {
  mkdir -p "$BATS_TEST_TMPDIR/checkout/build"
  cp "$install" "$BATS_TEST_TMPDIR/checkout/build/"
  run -1 "$BATS_TEST_TMPDIR/checkout/build/install.sh"
  assert_output --partial 'run npm run build first'
}
