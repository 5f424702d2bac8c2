# suites.sh - all that differs between Debian's suites, as far as the lab is concerned (sourced; $SUITE is set).
#
#   suite      Pacemaker  Nova                 Python
#   bullseye   2.0.5      22.0 (Victoria)      3.9
#   bookworm   2.1.5      26.2 (Zed)           3.11
#   trixie     3.0.0      31.0 (2025.1)        3.13
#   sid        3.0.3      34.0 (2026.2)        3.14

SUITES="bullseye bookworm trixie sid"

# Installed, on the machine itself or in the suite's root.
PACKAGES="
    pacemaker corosync pacemaker-cli-utils crmsh pcs resource-agents fence-agents
    python3-nova python3-keystone python3-placement python3-fixtures uwsgi-core uwsgi-plugin-python3
    rabbitmq-server mariadb-server iproute2 util-linux procps curl libxml2-utils"

# What a minimal root lacks and a machine has.
ROOT_PACKAGES="ca-certificates systemd hostname"

# Unpacked beside and not installed: pacemaker-remote conflicts with pacemaker as a package, nova-common asks
# questions (one file of each is wanted), and podman is wanted on one node and not on the machine.
BESIDE="remote nova-common podman"
beside_packages() { # NAME -> the packages it is made of
    case $1 in
    remote)      echo pacemaker-remote ;;
    nova-common) echo nova-common ;;
    podman)      echo "podman conmon crun golang-github-containers-common $PODMAN_NEEDS" ;;
    esac
}

# What serves Keystone, Placement and Nova's API: a script, or a module where there is none any more. Where
# NOVA_API_APP is empty the API is a program of Nova's own, which the zygote forks.
KEYSTONE_APP=/usr/bin/keystone-wsgi-public
PLACEMENT_APP=/usr/bin/placement-api
NOVA_API_APP=

case $SUITE in
bullseye)
    UWSGI=/usr/bin/uwsgi_python39
    PODMAN_NEEDS="libgpgme11 libassuan0 libyajl2"
    ;;
bookworm)
    UWSGI=/usr/bin/uwsgi_python311
    PODMAN_NEEDS="libgpgme11 libassuan0 libyajl2 libsubid4"
    ;;
trixie)
    UWSGI=/usr/bin/uwsgi_python3
    PODMAN_NEEDS="libgpgme11t64 libassuan9 netavark libsubid5"
    ;;
sid)
    UWSGI=/usr/bin/uwsgi_python3
    KEYSTONE_APP=keystone.wsgi.api
    PLACEMENT_APP=placement.wsgi.api
    NOVA_API_APP=nova.wsgi.osapi_compute
    PODMAN_NEEDS="libgpgme45 libassuan9 netavark libsubid6"
    ;;
esac

# Options of apt while a root is made. The archive of sid is dated for a week at a time, and a mirror may be older.
apt_options() {
    case $SUITE in
    sid) echo 'Acquire::Check-Valid-Until "false"' ;;
    esac
}
