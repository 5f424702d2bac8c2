#!/bin/bash
# Installs the agents: one file, and a link under the name and in the directory where Pacemaker looks for each.
#
#   build/install.sh               install what `npm run build` made
#   build/install.sh --uninstall   take it away and put back what was there before
#
# DESTDIR is put before every path, for packagers. Other agents of the same names that are found are kept
# in /usr/libexec/openstack-ocf-agents.orig: not beside ours, where Pacemaker would offer them as agents. Of several
# that came one after the other the newest comes back. Where dpkg owns one of the paths it is diverted there, so that
# an update of that package neither takes our link away nor gets lost.
#
# Everything that takes room is written under other names first; what fails leaves all as it was.
set -euo pipefail
# Pacemaker runs agents under several users, whatever the umask of who installs them.
umask 022

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

# ---- dpkg ------------------------------------------------------------------------------------------------------------

divert() { # ARGUMENTS...: dpkg-divert, on the root that we install into
  dpkg-divert ${destination:+--root "$destination"} --quiet "$@"
}

has_dpkg() {
  [[ -d $destination/var/lib/dpkg ]] && command -v dpkg-divert >/dev/null
}

is_owned() { # PATH: does a package bring a file of that name?
  has_dpkg && dpkg-query --admindir "$destination/var/lib/dpkg" --search "$1" 2>/dev/null | grep -qv '^diversion by '
}

diverter_of() { # PATH: who diverts it: LOCAL, a package, nobody
  if has_dpkg; then divert --listpackage "$1"; fi
}

diverted_to() { # PATH: where an administrator (or we) had dpkg put its file; '' for none
  if [[ $(diverter_of "$1") == LOCAL ]]; then printf '%s%s\n' "$destination" "$(divert --truename "$1")"; fi
}

# ---- install ---------------------------------------------------------------------------------------------------------

# What a failure has to take away again, the newest first: drafts, directories that were not there, diversions.
made=()
diverted=()
committed=no
roll_back() {
  local code=$? each
  trap - EXIT
  [[ $code == 0 ]] && return
  for each in "${diverted[@]}"; do divert --local --no-rename --remove "$each" || true; done
  for each in "${made[@]}"; do
    if [[ -d $each && ! -L $each ]]; then rmdir "$each" 2>/dev/null || true; else rm -f "$each"; fi
  done
  if [[ $committed == no ]]; then printf 'The installation failed; all is as it was before.\n' >&2; fi
  exit "$code"
}

directory() { # PATH: made if need be, with those above it
  [[ -d $1 ]] && return
  directory "$(dirname "$1")"
  mkdir "$1"
  made=("$1" "${made[@]}")
}

draft_of() { # PATH: a hidden name beside it, which Pacemaker does not take for an agent
  printf '%s/.%s.new\n' "$(dirname "$1")" "${1##*/}"
}

prepare() { # PATH COMMAND...: has COMMAND write the draft of PATH, whose name comes last
  local draft
  draft=$(draft_of "$1")
  directory "$(dirname "$1")"
  rm -f "$draft"
  made=("$draft" "${made[@]}")
  "${@:2}" "$draft"
}

commit() { # PATH: by a rename, because a running agent's file cannot be written to
  mv -fT "$(draft_of "$1")" "$1"
}

install_all() {
  local link kept newer=()
  [[ -f $dist/NovaEvacuate ]] || fail "There is nothing to install in $dist; run npm run build first."
  trap roll_back EXIT
  prepare "$destination$program" install -m 0755 "$dist/NovaEvacuate"
  for link in "${links[@]}"; do
    prepare "$destination$link" ln -s "$(relative_target "$link")"
    if exists "$destination$link" && ! is_ours "$link"; then
      newer+=("$link")
      prepare "$destination$originals/${link##*/}" cp -a "$destination$link"
    fi
  done
  # Its file is where we keep it, so that what an update brings is the newest.
  for link in "${links[@]}"; do
    if is_owned "$link" && [[ -z $(diverter_of "$link") ]]; then
      directory "$destination$originals"
      diverted=("$link" "${diverted[@]}")
      divert --local --no-rename --divert "$originals/${link##*/}" --add "$link"
      printf 'diverted  %s, which a package owns\n' "$destination$link"
    fi
  done
  # From here on nothing takes room.
  committed=yes
  for link in "${newer[@]}"; do
    kept=$destination$originals/${link##*/}
    commit "$kept"
    printf 'kept the %s that was there as %s\n' "${link##*/}" "$kept"
  done
  commit "$destination$program"
  printf 'installed %s\n' "$destination$program"
  for link in "${links[@]}"; do
    commit "$destination$link"
    printf 'linked    %s\n' "$destination$link"
  done
}

# ---- uninstall -------------------------------------------------------------------------------------------------------

uninstall_link() {
  local link=$1 kept=$destination$originals/${1##*/} diverted_to
  diverted_to=$(diverted_to "$link")
  exists "$kept" || kept=$diverted_to
  if exists "$destination$link" && ! is_ours "$link"; then
    printf 'left alone %s, which is not ours\n' "$destination$link"
    return
  fi
  if [[ -n $kept ]] && exists "$kept"; then
    mv -fT "$kept" "$destination$link"
    printf 'put back  %s\n' "$destination$link"
  else
    rm -f "$destination$link"
    printf 'removed   %s\n' "$destination$link"
  fi
  # An empty place is none that a package's file may be kept away from, whoever diverted it.
  if [[ -n $diverted_to && $kept == "$diverted_to" ]]; then divert --local --no-rename --remove "$link"; fi
}

uninstall() {
  local link
  for link in "${links[@]}"; do uninstall_link "$link"; done
  rm -f "$destination$program"
  printf 'removed   %s\n' "$destination$program"
  # Directories that we made and nobody else uses; in use or not there is fine.
  rmdir "$destination$originals" "$destination/usr/lib/ocf/resource.d/openstack" 2>/dev/null || true
}

case ${1:-} in
  # --force was needed once to install over an update of what is kept.
  '' | --force) install_all ;;
  --uninstall) uninstall ;;
  *) fail "Usage: [DESTDIR=directory] $0 [--uninstall]" ;;
esac
