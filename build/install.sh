#!/bin/bash
# Installs the agents: one file, and a link under the name and in the directory where Pacemaker looks for each.
#
#   build/install.sh [--force]     install what `npm run build` made
#   build/install.sh --uninstall   take it away and put back what was there before
#
# DESTDIR is put before every path, for packagers. Other agents of the same names that are found are kept
# in /usr/libexec/openstack-ocf-agents.orig: not beside ours, where Pacemaker would offer them as agents.
set -euo pipefail

readonly program=/usr/libexec/openstack-ocf-agents
readonly originals=$program.orig
readonly links=(
  /usr/lib/ocf/resource.d/openstack/NovaEvacuate
  /usr/lib/ocf/resource.d/openstack/NovaCompute
  /usr/sbin/fence_compute
)
readonly destination=${DESTDIR:-}
dist=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/dist
readonly dist

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

is_ours() { # PATH: a link to our program?
  [[ -L $destination$1 && $(readlink "$destination$1") == "$(relative_target "$1")" ]]
}

exists() {
  [[ -e $1 || -L $1 ]]
}

relative_target() { # PATH: our program as seen from the directory of PATH, so that links work in any root
  realpath --canonicalize-missing --relative-to="$(dirname "$1")" "$program"
}

check() {
  local link kept
  [[ -f $dist/NovaEvacuate ]] || fail "There is nothing to install in $dist; run npm run build first."
  for link in "${links[@]}"; do
    kept=$destination$originals/${link##*/}
    if [[ $force == no ]] && exists "$destination$link" && ! is_ours "$link" && exists "$kept" &&
      ! cmp -s "$destination$link" "$kept"; then
      fail "$destination$link is not ours, and $kept already keeps another one; nothing was changed." \
        "Remove one of the two, or use --force to overwrite the first."
    fi
  done
}

install_program() {
  mkdir -p "$destination${program%/*}"
  # Renamed into place, because a running agent's file cannot be written to.
  install -m 0755 "$dist/NovaEvacuate" "$destination$program.new"
  mv -f "$destination$program.new" "$destination$program"
  printf 'installed %s\n' "$destination$program"
}

install_link() {
  local link=$1 kept=$destination$originals/${1##*/}
  mkdir -p "$destination${link%/*}"
  if exists "$destination$link" && ! is_ours "$link" && ! exists "$kept"; then
    mkdir -p "$destination$originals"
    cp -a "$destination$link" "$kept"
    printf 'kept the %s that was there as %s\n' "${link##*/}" "$kept"
  fi
  ln -sfT "$(relative_target "$link")" "$destination$link.new"
  mv -fT "$destination$link.new" "$destination$link"
  printf 'linked    %s\n' "$destination$link"
}

uninstall_link() {
  local link=$1 kept=$destination$originals/${1##*/}
  if exists "$destination$link" && ! is_ours "$link"; then
    printf 'left alone %s, which is not ours\n' "$destination$link"
    return
  fi
  rm -f "$destination$link"
  if exists "$kept"; then
    mv -fT "$kept" "$destination$link"
    printf 'put back  %s\n' "$destination$link"
  else
    printf 'removed   %s\n' "$destination$link"
  fi
}

uninstall() {
  local link
  for link in "${links[@]}"; do uninstall_link "$link"; done
  rm -f "$destination$program"
  printf 'removed   %s\n' "$destination$program"
  # Directories that we made and nobody else uses; in use or not there is fine.
  rmdir "$destination$originals" "$destination/usr/lib/ocf/resource.d/openstack" 2>/dev/null || true
}

force=no
case ${1:-} in
  '') ;;
  --force) force=yes ;;
  --uninstall)
    uninstall
    exit 0
    ;;
  *) fail "Usage: [DESTDIR=directory] $0 [--force | --uninstall]" ;;
esac
check
install_program
for link in "${links[@]}"; do install_link "$link"; done
