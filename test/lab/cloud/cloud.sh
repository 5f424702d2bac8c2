# cloud.sh - paths, addresses and helpers of the cloud's scripts (sourced).
. "$(dirname "${BASH_SOURCE[0]}")/../settings.sh"

CLOUD=$RUN/cloud
ETC=$CLOUD/etc
TEMPLATE=$CACHE/template
KEYSTONE_URL=http://$CLOUD_IP:5000/v3
NOVA_URL=http://$CLOUD_IP:8774/v2.1
PROXY_URL=http://$CLOUD_IP:8784/v2.1   # in front of Nova's, in some scenarios: driver/proxy.ts
PLACEMENT_URL=http://$CLOUD_IP:8778
GLANCE_URL=http://$CLOUD_IP:9292
NEUTRON_URL=http://$CLOUD_IP:9696
export PYTHONWARNINGS=ignore
export TMPDIR=$CLOUD/tmp XDG_CACHE_HOME=$CLOUD/tmp   # nothing of ours outside the state directory
unset PYTHONUNBUFFERED

# A service's file holds its process id and when that process began: ids come round again. Nobody takes a file away,
# who ends a service as little as who starts one: it might be that of the next one, which a booting node starts now.
began() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20; }
pid_of() { # NAME - its process, if that still is there
    local pid at
    read -r pid at 2>/dev/null <"$CLOUD/$1.pid" && [ -n "$at" ] && [ "$(began "$pid")" = "$at" ] && echo "$pid"
}
alive() { pid_of "$1" >/dev/null; }

# wait_http URL SECONDS - until something answers, whatever it says
wait_http() { wait_for "$2" "in_cloud curl -s -o /dev/null --max-time 2 '$1'" || die "nothing answers at $1"; }
