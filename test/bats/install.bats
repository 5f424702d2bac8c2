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

@test "of two originals (a package was updated) the newest is the one that comes back" {
  put_original "$fence_agent" 'first'
  run -0 "$install"
  rm "$fence_agent"
  put_original "$fence_agent" 'second'
  run -0 "$install"
  assert_output --partial "kept the fence_compute that was there as $program.orig/fence_compute"
  run -0 readlink "$fence_agent"
  run -0 "$install" --uninstall
  run -0 "$fence_agent"
  assert_output second
  assert [ ! -e "$program.orig" ]
}

@test "whatever the umask, everybody can reach and run what Pacemaker starts" {
  umask 077
  put_original "$fence_agent" 'the original'
  chmod 0755 "$DESTDIR" "$DESTDIR/usr" "$DESTDIR/usr/sbin"
  run -0 "$install"
  run -0 find "$DESTDIR" -type d ! -perm 755
  assert_output ''
}

@test "an original that is a link comes back as that link" {
  mkdir -p "$DESTDIR/opt" "$(dirname "$fence_agent")"
  put_original "$DESTDIR/opt/fc" 'elsewhere'
  ln -s ../../opt/fc "$fence_agent"
  run -0 "$install"
  run -0 "$install" --uninstall
  run -0 readlink "$fence_agent"
  assert_output ../../opt/fc
  run -0 "$fence_agent"
  assert_output elsewhere
}

@test "a disk that is full leaves nothing half done" {
  put_original "$fence_agent" 'the original'
  before=$(find "$DESTDIR" | sort)
  # Neither a program nor a link can be made: the tools say what they say when there is no room.
  for tool in install ln cp; do
    mkdir "$BATS_TEST_TMPDIR/$tool"
    printf '#!/bin/sh\nfor last; do :; done\necho half >"$last"\necho "No space left on device" >&2\nexit 1\n' \
      >"$BATS_TEST_TMPDIR/$tool/$tool"
    chmod 0755 "$BATS_TEST_TMPDIR/$tool/$tool"
    PATH=$BATS_TEST_TMPDIR/$tool:$PATH run -1 "$install"
    assert_output --partial 'No space left on device'
    assert_output --partial 'all is as it was before'
    assert_equal "$(find "$DESTDIR" | sort)" "$before"
    assert_equal "$("$fence_agent")" 'the original'
  done
}

# ---- dpkg, in the root that DESTDIR names ----------------------------------------------------------------------------

# package VERSION   installs (or updates) a package that owns /usr/sbin/fence_compute
package() {
  command -v dpkg-divert dpkg-deb >/dev/null || skip 'no dpkg on this machine'
  local tree=$BATS_TEST_TMPDIR/package$1
  put_original "$tree/usr/sbin/fence_compute" "package $1"
  mkdir "$tree/DEBIAN"
  printf 'Package: fence-stand-in\nVersion: %s\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: stand-in\n' \
    "$1" >"$tree/DEBIAN/control"
  dpkg-deb --root-owner-group --build "$tree" "$tree.deb" >/dev/null
  mkdir -p "$DESTDIR/var/lib/dpkg"/{info,updates,triggers,alternatives}
  touch "$DESTDIR/var/lib/dpkg/status" "$DESTDIR/var/lib/dpkg/available"
  dpkg --root="$DESTDIR" --log=/dev/null --force-not-root --force-bad-path --install "$tree.deb" >/dev/null
}
diversions() { dpkg-divert --root "$DESTDIR" --list | sed "s|$DESTDIR||g"; }

@test "a path that dpkg owns is diverted: an update keeps our link, and the updated original comes back" {
  package 1
  run -0 "$install"
  assert_output --partial "diverted  $fence_agent, which a package owns"
  package 2
  run -0 readlink "$fence_agent"
  assert_output '../libexec/openstack-ocf-agents'
  run -0 "$install"
  refute_output --partial diverted
  run -0 "$install" --uninstall
  run -0 "$fence_agent"
  assert_output 'package 2'
  assert_equal "$(diversions)" ''
  package 3
  run -0 "$fence_agent"
  assert_output 'package 3'
}

@test "an administrator's own diversion does not leave the machine without fence_compute" {
  package 1
  dpkg-divert --root "$DESTDIR" --local --rename --divert /usr/sbin.distrib --add /usr/sbin/fence_compute
  run -0 "$install"
  package 2
  run -0 "$install" --uninstall
  run -0 "$fence_agent"
  assert_output 'package 2'
  assert_equal "$(diversions)" ''
}

@test "what fails after a diversion was made takes it back" {
  package 1
  mkdir "$BATS_TEST_TMPDIR/bin"
  # Registers it, and fails all the same.
  printf '#!/bin/sh\n%s "$@" || exit\ncase $* in *--add*) exit 2 ;; esac\n' "$(command -v dpkg-divert)" \
    >"$BATS_TEST_TMPDIR/bin/dpkg-divert"
  chmod 0755 "$BATS_TEST_TMPDIR/bin/dpkg-divert"
  PATH=$BATS_TEST_TMPDIR/bin:$PATH run -2 "$install"
  assert_equal "$(diversions)" ''
  run -0 "$fence_agent"
  assert_output 'package 1'
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
