# settings.sh - names, addresses and helpers shared by every script of the lab (sourced, never run).
#
# The lab lives in a world of its own (world/init): mounts, processes and names that the machine does not see. There the
# project is at $WORLD/project and what is kept for this suite at $WORLD/cache. All run-time state lies under $RUN, all
# that is kept from one `up` to the next under $CACHE.

LAB=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$LAB/../.." && pwd)
RUN=$LAB/state
WORLD=/mnt/evacuation-lab
# The suite of the lab that is up; whoever brings one up, or makes a root, has set the one that is asked for.
SUITE=${ASKED_SUITE:-$(cat "$RUN/suite" 2>/dev/null || echo bookworm)}
case $LAB in
"$WORLD"/*)
    INSIDE=1
    CACHE=$WORLD/cache ;;
*)
    INSIDE=
    # One place for all checkouts: a root is made once per machine, not once per clone.
    CACHE_HOME=${LAB_CACHE:-/var/cache/evacuation-lab}
    CACHE=$CACHE_HOME/$SUITE
    # One lab at a time on a machine, wherever its files lie: two would share names of cgroups and both cores.
    LOCK=/run/lock/evacuation-lab ;;
esac

CONTROLLERS="ctl0 ctl1 ctl2"          # full cluster nodes
COMPUTES="comp0 comp1 comp2 comp3"    # Pacemaker Remote nodes, one nova-compute each
NODES="$CONTROLLERS $COMPUTES"
DOMAIN=lab.example                    # Nova's host names are FQDNs, the cluster's node names are not
NET=192.0.2                           # TEST-NET-1; exists only inside the namespaces, without a way out
CLOUD_IP=$NET.100
NETNS=evacuation-lab                  # prefix of the network namespaces
ADMIN_PASSWORD=lab-admin-password
SERVICE_PASSWORD=lab-service-password
DEMO_PASSWORD=lab-demo-password    # of user demo, a mere member of project demo

# nova-compute runs as this user, whom Debian's nova package would make: only inside the nodes.
NOVA_USER=nova
NOVA_UID=$(id -u nova 2>/dev/null || echo 64060)

# An older python3 (pyenv and the like) may come first on PATH; Debian's modules are Debian's python's.
PYTHON=/usr/bin/python3

# address NODE -> its IP address
address() {
    case $1 in
        ctl*)  echo "$NET.$((10 + ${1#ctl}))" ;;
        comp*) echo "$NET.$((20 + ${1#comp}))" ;;
        cloud) echo "$CLOUD_IP" ;;
    esac
}

# host_of NODE -> Nova's name of the node's compute service
host_of() { echo "$1.$DOMAIN"; }

# way_of NODE -> what a nova-compute of its own runs as on this node: process, systemd or podman (see node/prepare)
way_of() {
    case $1 in
        comp2) echo systemd ;;
        comp3) echo podman ;;
        comp*) echo process ;;
    esac
}

# multiarch -> the name of the machine's library directory under /usr/lib
multiarch() { dpkg-architecture -qDEB_HOST_MULTIARCH 2>/dev/null || echo "$(uname -m)-linux-gnu"; }

# node_of NODE|HOST -> the node's name
node_of() { echo "${1%%.*}"; }

now_ms() { date +%s%3N; }
die() { echo "lab: $*" >&2; exit 1; }
is_node() { case " $NODES " in *" $1 "*) return 0 ;; esac; return 1; }

# wait_for SECONDS 'shell condition'
wait_for() {
    local end=$(( $(now_ms) + $1 * 1000 )); shift
    until eval "$1"; do
        [ "$(now_ms)" -lt "$end" ] || return 1
        sleep 0.1
    done
}

# pid_1_of FILE -> pid of PID 1 of what the `unshare` whose pid is in FILE started; fails when there is none any more
pid_1_of() {
    local unshare child=
    unshare=$(cat "$1" 2>/dev/null) || return 1
    { read -r child _ <"/proc/$unshare/task/$unshare/children"; } 2>/dev/null   # fails for want of a newline
    [ -n "$child" ] && echo "$child"
}

# node_pid NODE -> pid of the node's PID 1; fails when the node is off
node_pid() { pid_1_of "$RUN/nodes/$1/unshare.pid"; }

# world_unshare -> pid of the `unshare` that the lab's world is a child of; fails when there is none any more. Its pid alone
# proves nothing: it is on disk, and after a reboot it may be anybody's.
world_unshare() {
    local pid
    pid=$(cat "$RUN/world.pid" 2>/dev/null) && grep -qsz "^$LAB/world/init\$" "/proc/$pid/cmdline" && echo "$pid"
}

# enter_world ARGS... - go on inside the lab that is up: this very script, with these arguments
enter_world() {
    local world
    [ -z "$INSIDE" ] || return 0
    [ "$(id -u)" = 0 ] || die "needs root"
    { world_unshare >/dev/null && world=$(pid_1_of "$RUN/world.pid"); } || die "the lab is down: run test/lab/up first"
    exec nsenter -t "$world" -m -p -u -i -- "$WORLD/project/$(realpath --relative-to="$ROOT" "$0")" "$@"
}

# in_node NODE CMD... - run a command inside a node, with nothing of our own environment
in_node() {
    local pid
    pid=$(node_pid "$1") || { echo "lab: node $1 is off" >&2; return 1; }
    shift
    nsenter -t "$pid" -m -p -n -u -i -- env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
        HOME=/run/home LANG=C.UTF-8 TERM=dumb "$@"
}

# in_cloud CMD... - run a command in the network namespace of the cloud
in_cloud() { nsenter --net="/run/netns/$NETNS-cloud" -- "$@"; }
