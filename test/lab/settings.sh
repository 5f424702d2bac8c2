# settings.sh - names, addresses and helpers shared by every script of the lab (sourced, never run).
#
# All run-time state lies under $RUN, all that is kept from one `up` to the next under $CACHE.

LAB=${LAB:-$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)}
ROOT=$(cd "$LAB/../.." && pwd)
RUN=$LAB/state
CACHE=$LAB/cache

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

# node_pid NODE -> pid, seen from the machine, of the node's PID 1; fails when the node is off
node_pid() {
    local unshare child=
    unshare=$(cat "$RUN/nodes/$1/unshare.pid" 2>/dev/null) || return 1
    { read -r child _ <"/proc/$unshare/task/$unshare/children"; } 2>/dev/null   # fails for want of a newline
    [ -n "$child" ] && echo "$child"
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
