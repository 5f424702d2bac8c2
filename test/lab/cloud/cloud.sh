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

pid_of() { cat "$CLOUD/$1.pid" 2>/dev/null; }
alive() { local pid; pid=$(pid_of "$1") && [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; }

# wait_http URL SECONDS - until something answers, whatever it says
wait_http() { wait_for "$2" "in_cloud curl -s -o /dev/null --max-time 2 '$1'" || die "nothing answers at $1"; }
