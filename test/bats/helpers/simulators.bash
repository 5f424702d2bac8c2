# Load this from a bats file: `load helpers/simulators`. See test/simulators/README.md for what can be asked of the
# simulators. Nothing here needs more than bash and the Node of node_modules.

REPO=$(cd "${BASH_SOURCE[0]%/*}/../../.." && pwd)
SIMULATORS=$REPO/test/simulators
NODE24=$REPO/node_modules/.bin/node
BATS_LIB_PATH=$REPO/node_modules${BATS_LIB_PATH:+:$BATS_LIB_PATH}
bats_load_library bats-support
bats_load_library bats-assert

_sim_tmp() { printf '%s' "${BATS_TEST_TMPDIR:-$BATS_FILE_TMPDIR}"; }

# cloud_start [OPTIONS of cloud/main.ts]   starts a simulated cloud on free ports and sets CLOUD_AUTH_URL,
# CLOUD_KEYSTONE, CLOUD_NOVA, CLOUD_GLANCE, CLOUD_CONTROL, CLOUD_PID. In setup_file it lives as long as the file's
# tests, in setup or a test as long as the test; stop it with cloud_stop in the matching teardown.
cloud_start() {
  local out tries=0 line name
  out=$(_sim_tmp)/cloud.$RANDOM
  # What Node makes of the simulator's source is kept for the tests that come: two thirds of each start.
  NODE_COMPILE_CACHE=${SIMULATOR_CACHE:-$BATS_RUN_TMPDIR}/node \
    "$NODE24" "$SIMULATORS/cloud/main.ts" --parent "$$" "$@" >"$out.json" 2>"$out.err" 3>&- &
  CLOUD_PID=$!
  # So that a test's plain `wait` waits for its own jobs only.
  disown "$CLOUD_PID"
  until [ -s "$out.json" ]; do
    tries=$((tries + 1))
    if [ "$tries" -gt 200 ] || ! kill -0 "$CLOUD_PID" 2>/dev/null; then
      echo "The simulated cloud did not start:" >&2
      cat "$out.err" >&2
      return 1
    fi
    sleep 0.05
  done
  line=$(<"$out.json")
  for name in authUrl keystone nova glance control; do
    [[ $line =~ \"$name\":\"([^\"]*)\" ]]
    case $name in
    authUrl) CLOUD_AUTH_URL=${BASH_REMATCH[1]} ;;
    keystone) CLOUD_KEYSTONE=${BASH_REMATCH[1]} ;;
    nova) CLOUD_NOVA=${BASH_REMATCH[1]} ;;
    glance) CLOUD_GLANCE=${BASH_REMATCH[1]} ;;
    control) CLOUD_CONTROL=${BASH_REMATCH[1]} ;;
    esac
  done
  CLOUD_ERR=$out.err
  export CLOUD_AUTH_URL CLOUD_KEYSTONE CLOUD_NOVA CLOUD_GLANCE CLOUD_CONTROL CLOUD_PID CLOUD_ERR
}

cloud_stop() {
  [ -n "${CLOUD_PID:-}" ] || return 0
  kill "$CLOUD_PID" 2>/dev/null || true
  CLOUD_PID=
}

# sim METHOD PATH [JSON]   one request to the control API, PATH under /_sim/; prints the answer's body, and fails
# with the sentence of the simulator on stderr when it refuses.
sim() {
  local method=$1 path=$2 body=${3-} address=${CLOUD_CONTROL#http://} fd status line length=
  path=${path// /%20}
  exec {fd}<>"/dev/tcp/${address%:*}/${address##*:}" || return 1
  printf '%s /_sim/%s HTTP/1.0\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %s\r\n\r\n%s' \
    "$method" "$path" "$address" "$(LC_ALL=C; printf %s "${#body}")" "$body" >&"$fd"
  IFS=$' \r' read -r _ status _ <&"$fd"
  while IFS= read -r line <&"$fd"; do
    line=${line%$'\r'}
    [ -n "$line" ] || break
  done
  if [ "$status" -ge 400 ]; then
    cat <&"$fd" >&2
    exec {fd}>&-
    return 1
  fi
  cat <&"$fd"
  exec {fd}>&-
}

# Lines of what the cloud looks like now.
sim_servers() { sim GET text/servers; }       # NAME HOST STATUS TASK VM_STATE
sim_migrations() { sim GET text/migrations; } # NAME SOURCE DEST|- STATUS
sim_services() { sim GET text/services; }     # HOST up|down enabled|disabled forced_down|- REASON
sim_guests() { sim GET text/guests; }         # NAME HOST running|off, as the hypervisors have them
sim_actions() { sim GET "text/actions/$1"; }  # ACTION USER|- MESSAGE|-, oldest first
# sim_requests [REGEX on "METHOD service path"]   and how many of them
sim_requests() { sim GET "text/requests${1:+?match=$(_sim_query "$1")}"; }
sim_count() { sim GET "text/count${1:+?match=$(_sim_query "$1")}"; }
# sim_server NAME   prints "HOST STATUS TASK VM_STATE" of one server
sim_server() {
  local name rest
  while read -r name rest; do
    [ "$name" = "$1" ] && printf '%s\n' "$rest" && return 0
  done < <(sim_servers)
  return 1
}
# sim_fault JSON   see cloud/faults.ts; sim_no_faults takes all away
sim_fault() { sim POST faults "$1" >/dev/null; }
sim_no_faults() { sim DELETE faults; }

_sim_query() { # percent-encodes what a query string needs
  local text=$1 out= i char
  for ((i = 0; i < ${#text}; i++)); do
    char=${text:i:1}
    case $char in
    [a-zA-Z0-9._~/-]) out+=$char ;;
    *) printf -v char '%%%02X' "'$char" && out+=$char ;;
    esac
  done
  printf '%s' "$out"
}

# cluster_start NODE...   a simulated cluster (VERSION=2.1.5 in the environment chooses the Pacemaker) whose tools
# come first on PATH; the first node is the one we are on. Sets CLUSTER, its directory.
cluster_start() {
  CLUSTER=$(_sim_tmp)/cluster.$RANDOM
  "$SIMULATORS/attrd/new-cluster" "$CLUSTER" "$@"
  PATH=$CLUSTER/bin:$PATH
  export CLUSTER PATH
}

# cluster COMMAND...   see attrd/sim-cluster
cluster() { "$SIMULATORS/attrd/sim-cluster" "$CLUSTER" "$@"; }

# The mark's two copies as they are in the cluster, empty when absent.
mark_transient() { cluster get evacuate "$1" || true; }
mark_permanent() { cluster forever-get evacuate "$1" || true; }

# ocf_environment   exports OCF_RESKEY_* for the simulated cloud, as for a manual call.
ocf_environment() {
  export OCF_RESKEY_auth_url=$CLOUD_AUTH_URL OCF_RESKEY_username=admin OCF_RESKEY_password=adminpw
  export OCF_RESKEY_tenant_name=admin OCF_RESKEY_user_domain=Default OCF_RESKEY_project_domain=Default
}

# evacuator ACTION [NAME=VALUE...]   NovaEvacuate as Pacemaker's executor calls it: its environment and nothing else
# (as observed of Pacemaker 2.1.5), parameters for the simulated cloud; NAME=VALUE adds to it or overrides it.
# MONITOR_TIMEOUT (ms) is the operation's timeout; a pass works for half of it.
# The record of events is evacuations.jsonl in the test's directory.
# `(EVACUATOR_RUN="exec setsid" evacuator monitor) &` makes $! the agent's own process group, to kill it as a whole.
evacuator() {
  local action=$1 interval=0
  shift
  [ "$action" = monitor ] && interval=10000
  mkdir -p "$(_sim_tmp)/rsctmp"
  ${EVACUATOR_RUN:-} env -i PATH="$PATH" LC_ALL=C HA_RSCTMP="$(_sim_tmp)/rsctmp" HA_cluster_type=corosync HA_mcp=true \
    OCF_ROOT=/usr/lib/ocf OCF_RA_VERSION_MAJOR=1 OCF_RA_VERSION_MINOR=1 OCF_OUTPUT_FORMAT=text \
    OCF_EXIT_REASON_PREFIX=ocf-exit-reason: OCF_RESOURCE_INSTANCE=nova-evacuate OCF_RESOURCE_PROVIDER=openstack \
    OCF_RESOURCE_TYPE=NovaEvacuate OCF_RESKEY_CRM_meta_name="$action" OCF_RESKEY_CRM_meta_interval="$interval" \
    OCF_RESKEY_CRM_meta_timeout="${MONITOR_TIMEOUT:-20000}" OCF_RESKEY_crm_feature_set=3.16.1 \
    OCF_RESKEY_CRM_meta_on_node=ctl0 OCF_RESKEY_CRM_meta_on_node_uuid=1 PCMK_service=pacemaker-execd \
    OCF_RESKEY_auth_url="${CLOUD_AUTH_URL:-}" OCF_RESKEY_username=admin OCF_RESKEY_password=adminpw \
    OCF_RESKEY_tenant_name=admin OCF_RESKEY_event_log="$(_sim_tmp)/evacuations.jsonl" "$@" "${NOVA_EVACUATE:-$REPO/dist/NovaEvacuate}" "$action"
}

# mark NODE [VALUE]   as fence_compute leaves it: both copies, of a node that has left. The host is dead and held down in
# Nova already.
mark() {
  cluster offline "$1"
  cluster forever evacuate "$1" yes
  cluster set evacuate "$1" "${2:-yes}"
}
# fail_host HOST   power off, then marked, forced down and disabled, as after a fencing that went well
fail_host() {
  sim_power_off "$1"
  sim PUT "hosts/$1" "{\"forcedDown\": true, \"disabled\": true, \"disabledReason\": \"$(fenced_now)\"}"
  mark "$1"
}
# As the agents word it when they disable a host, so that they know it for theirs. The time counts: a service that Nova
# wrote long after it looks like one whose machine is back.
fenced_now() {
  TZ=UTC printf 'Pacemaker fenced this host at %(%FT%TZ)T (fence_compute); its instances are evacuated' -1
}
# sim_power_off HOST    the machine dies, its nova-compute (a fake one, too) and its guests with it
# sim_boot_host HOST    it has power again and rejoins: no guest runs, nor does nova-compute
# sim_compute_start, sim_compute_stop HOST   its nova-compute alone, where no fake one stands for it
sim_power_off() {
  if [ -s "$(fake_dir "$1")/pid" ]; then kill -KILL "$(<"$(fake_dir "$1")/pid")" 2>/dev/null || true; fi
  sim POST "hosts/$1/kill"
}
sim_boot_host() {
  sim POST "hosts/$1/boot"
  cluster online "$1"
}
sim_compute_start() { sim POST "hosts/$1/start"; }
sim_compute_stop() { sim POST "hosts/$1/kill" '{"power": true}'; }

# fence KEY=VALUE...   feeds fence_compute as Pacemaker's fencer does: no arguments, options on stdin.
fence() {
  local option
  for option in auth_url="$CLOUD_AUTH_URL" login=admin passwd=adminpw tenant_name=admin "$@"; do
    printf '%s\n' "$option"
  done | "${FENCE_COMPUTE:-$REPO/dist/fence_compute}"
}

# fake_nova_compute HOST   makes a stand-in of nova-compute for a host, FAKE_NOVA_COMPUTE: a program that runs until
# it is ended, and is the host's nova-compute to the simulated cloud (it dies when this dies, however that happens, and
# hangs while this is stopped). It says on stdout what it does, and leaves in `fake_dir HOST`:
#   pid      of the last one                     started   a line per start: pid, session, user, arguments
#   environ  its environment, one per line
# Files there tell it how to behave, read at each start:
#   die      print this file's lines and exit 1 at once     die_after     the same after so many seconds
#   deaf     ignore SIGTERM                                 slow_stop     seconds from SIGTERM to its end
fake_dir() { printf '%s/fake-nova-compute-%s' "$(_sim_tmp)" "$1"; }
fake_nova_compute() {
  local dir address=${CLOUD_CONTROL#http://}
  dir=$(fake_dir "$1")
  mkdir -p "$dir/bin"
  FAKE_NOVA_COMPUTE=$dir/bin/nova-compute
  export FAKE_NOVA_COMPUTE
  # Nothing but this text tells it where the cloud is: its environment is what the agent gives it.
  printf '#!/bin/bash\ndir=%q host=%q address=%q port=%q\n' \
    "$dir" "$1" "${address%:*}" "${address##*:}" >"$FAKE_NOVA_COMPUTE"
  cat "$REPO/test/bats/helpers/fake-nova-compute" >>"$FAKE_NOVA_COMPUTE"
  # Whoever it runs as has to be able to write here.
  chmod 0777 "$dir"
  chmod 0755 "$FAKE_NOVA_COMPUTE"
}
# fake_compute_stop HOST   ends a fake that is still there; for teardown
fake_compute_stop() {
  if [ -s "$(fake_dir "$1")/pid" ]; then kill -KILL "$(<"$(fake_dir "$1")/pid")" 2>/dev/null || true; fi
}
# fake_runs HOST   (one that has ended, and that nobody has waited for yet, does not)
fake_runs() {
  local file state
  file=$(fake_dir "$1")/pid
  [ -s "$file" ] && read -r _ _ state _ 2>/dev/null <"/proc/$(<"$file")/stat" && [ "$state" != Z ]
}
# fake_starts HOST   how often it was started
fake_starts() { if [ -f "$(fake_dir "$1")/started" ]; then grep -c . "$(fake_dir "$1")/started"; else echo 0; fi; }

# compute ACTION [KEY=VALUE...]   NovaCompute as Pacemaker's executor calls it on a remote node (as observed of
# Pacemaker 2.1.5: its environment and nothing else), on COMPUTE_NODE (comp0), parameters for the simulated cloud. A
# KEY in lower case is a parameter of the agent, any other a variable of the environment, and both override.
# COMPUTE_TIMEOUT (ms) is the operation's timeout; `COMPUTE_RUN="exec setsid"` as with evacuator.
compute() {
  local action=$1 node=${COMPUTE_NODE:-comp0} interval=() timeout tools pair pairs=()
  shift
  case $action in
  start) timeout=600000 ;;
  stop) timeout=300000 ;;
  *) timeout=20000 ;;
  esac
  # A probe has neither a name nor an interval: say `compute probe`.
  if [ "$action" = monitor ]; then interval=(OCF_RESKEY_CRM_meta_interval=10000 OCF_RESKEY_CRM_meta_name=monitor); fi
  if [ "$action" = start ]; then interval=(OCF_RESKEY_CRM_meta_name=start); fi
  if [ "$action" = probe ]; then action=monitor; fi
  for pair; do
    case $pair in
    [a-z]*) pairs+=("OCF_RESKEY_$pair") ;;
    *) pairs+=("$pair") ;;
    esac
  done
  tools=$(cluster on "$node")
  mkdir -p "$(_sim_tmp)/rsctmp-$node"
  ${COMPUTE_RUN:-} env -i PATH="$tools:$PATH" HA_RSCTMP="$(_sim_tmp)/rsctmp-$node" \
    OCF_ROOT=/usr/lib/ocf OCF_RA_VERSION_MAJOR=1 OCF_RA_VERSION_MINOR=1 OCF_EXIT_REASON_PREFIX=ocf-exit-reason: \
    OCF_RESOURCE_INSTANCE=nova-compute OCF_RESOURCE_PROVIDER=openstack OCF_RESOURCE_TYPE=NovaCompute \
    "${interval[@]}" OCF_RESKEY_CRM_meta_timeout="${COMPUTE_TIMEOUT:-$timeout}" \
    OCF_RESKEY_CRM_meta_clone=0 OCF_RESKEY_CRM_meta_clone_max=3 OCF_RESKEY_CRM_meta_clone_node_max=1 \
    OCF_RESKEY_CRM_meta_globally_unique=false OCF_RESKEY_CRM_meta_notify=false \
    OCF_RESKEY_CRM_meta_on_node="$node" OCF_RESKEY_CRM_meta_on_node_uuid="$node" \
    OCF_RESKEY_crm_feature_set=3.16.1 PCMK_service=pacemaker-remoted \
    OCF_RESKEY_auth_url="${CLOUD_AUTH_URL:-}" OCF_RESKEY_username=admin OCF_RESKEY_password=adminpw \
    OCF_RESKEY_tenant_name=admin "${pairs[@]}" "${NOVA_COMPUTE:-$REPO/dist/NovaCompute}" "$action"
}

# wait_until SECONDS COMMAND...   fails when the command has not succeeded by then
wait_until() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.1
  done
}

# assert_server NAME HOST STATUS
assert_server() {
  local host status rest
  read -r host status rest < <(sim_server "$1")
  assert_equal "$1 $host $status" "$1 $2 $3"
}

# assert_evacuated_once NAME...   one evacuation record that ended well, and no longer on the old host
assert_evacuated_once() {
  local name
  for name; do
    assert_equal "$name: $(sim_migrations | grep -c "^$name .* done$") done" "$name: 1 done"
    assert_equal "$name: $(sim_migrations | grep -c "^$name ") records" "$name: 1 records"
  done
}

# assert_marks NODE TRANSIENT PERMANENT
assert_marks() {
  assert_equal "$1: $(mark_transient "$1") / $(mark_permanent "$1")" "$1: $2 / $3"
}

# assert_no_violations   the observer inside the cloud has seen no rule broken
assert_no_violations() {
  assert_equal "$(sim GET text/violations)" ''
}
