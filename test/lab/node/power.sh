# power.sh - the power button and the network cable of a node (sourced after settings.sh).

# power_on NODE - start the node's namespaces and, in them, its daemons; returns when its init has started them
power_on() {
    local node=$1 state=$RUN/nodes/$1
    node_pid "$node" >/dev/null && return 0
    rm -f "$state/booted"
    # env -i: Pacemaker hands its own environment on to every agent it starts.
    (cd / && exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
        setsid nsenter --net="/run/netns/$NETNS-$node" \
        unshare --mount --propagation private --pid --fork --kill-child --uts --ipc \
        "$LAB/node/init" "$node") </dev/null >>"$state/console.log" 2>&1 3>&- &
    echo $! >"$state/unshare.pid"
    wait_for 15 "[ -e '$state/booted' ]" || { echo "lab: node $node did not boot, see $state/console.log" >&2; return 1; }
}

# power_off NODE - pull the plug: the kernel ends all that runs in the node with its PID 1. A virtual machine does
# not outlive its hypervisor's power, so its domains are off before anybody is told that the node is.
power_off() {
    local node=$1 state=$RUN/nodes/$1 unshare pid
    unshare=$(cat "$state/unshare.pid" 2>/dev/null) || return 0
    pid=$(node_pid "$node") && kill -9 "$pid" 2>/dev/null
    wait_for 10 "[ ! -e /proc/$unshare ] || grep -q '^State:.Z' /proc/$unshare/status" || kill -9 "$unshare" 2>/dev/null
    rm -f "$state/unshare.pid" "$state/booted"
    case $node in comp*) "$PYTHON" "$LAB/cloud/domains-off.py" "$RUN/hypervisors/$(host_of "$node").json" ;; esac
}

# cable cut|plug NODE - no packet passes a cut cable; nothing in the node or outside is told
cable() {
    case $1 in
        cut)  ip -n "$NETNS-switch" link set "port-$2" down ;;
        plug) ip -n "$NETNS-switch" link set "port-$2" up ;;
    esac
}
