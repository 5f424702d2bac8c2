#!/usr/bin/env bats
# NovaEvacuate's contract with Pacemaker's executor: actions, exit codes, what it needs of its surroundings.

bats_require_minimum_version 1.5.0

setup() {
  load helpers/simulators
  cloud_start --speed 20
  cluster_start ctl0 comp0 comp1 comp2
}
teardown() { cloud_stop; }

@test "start, monitor, stop, monitor: 0, 0, 0, 7, and nothing is said" {
  run -0 evacuator start
  assert_output ''
  run -0 evacuator monitor
  assert_output ''
  run -0 evacuator stop
  assert_output ''
  run -7 evacuator monitor
}

@test "a probe before the start is 7, wrong parameters or not" {
  run -7 evacuator monitor OCF_RESKEY_CRM_meta_interval=0
  run -7 evacuator monitor OCF_RESKEY_CRM_meta_interval=0 OCF_RESKEY_auth_url= OCF_RESKEY_endpoint_type=nonsense
}

@test "stop works without any parameter, twice" {
  run -0 evacuator start
  for _ in 1 2; do
    run -0 evacuator stop OCF_RESKEY_auth_url= OCF_RESKEY_username= OCF_RESKEY_password= OCF_RESKEY_tenant_name=
  done
}

@test "an idle monitor asks the cluster only, never the cloud, also while an evacuated machine is still off" {
  evacuator start
  cluster offline comp0
  cluster set evacuate comp0 no
  cluster set evacuate comp1 ''
  run -0 evacuator monitor
  assert_equal "$(sim_count)" 0
  run cluster calls
  assert_line --partial 'attrd_updater'
}

@test "an idle monitor works with a cloud that is away" {
  evacuator start
  cloud_stop
  run -0 evacuator monitor
}

@test "meta-data as nobody, with an empty environment" {
  local as=()
  if [[ $EUID == 0 ]]; then
    as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
  fi
  # Where everybody can reach it, wherever the checkout is.
  local place
  place=$(mktemp -d)
  cp "$REPO/dist/NovaEvacuate" "$place/"
  chmod 755 "$place" "$place/NovaEvacuate"
  run -0 --separate-stderr "${as[@]}" env -i "$place/NovaEvacuate" meta-data
  rm -r "$place"
  assert_line --partial '<resource-agent name="NovaEvacuate"'
  assert_line --partial '<parameter name="auth_url"'
  assert_equal "$stderr" ''
  for name in auth_url username password tenant_name domain endpoint_type region_name insecure no_shared_storage \
    verbose user_domain project_domain evacuate_delay application_credential_id cloud cacert; do
    assert_output --partial "name=\"$name\""
  done
}

@test "validate-all: 0 with good parameters, without asking the cloud" {
  run -0 evacuator validate-all
  assert_equal "$(sim_count)" 0
}

@test "an unknown action is 3 with a line of usage, no action too; usage and help are 0" {
  run -3 evacuator promote
  assert_output --partial 'usage'
  run -3 env -i "$REPO/dist/NovaEvacuate"
  run -0 evacuator usage
  assert_output --partial 'validate-all'
  run -0 evacuator help
}

@test "without a resource's name where there has to be one: 2" {
  run -2 evacuator start OCF_RESOURCE_INSTANCE=
}

@test "by hand, from a shell with nothing but OCF_RESKEY_*: works, messages on stderr" {
  cloud_stop
  cloud_start --speed 20 --scenario '{"servers": [{"name": "vm", "host": "comp0"}]}'
  fail_host comp0
  ocf_environment
  export HA_RSCTMP=$BATS_TEST_TMPDIR/rsctmp
  export OCF_RESKEY_event_log=$BATS_TEST_TMPDIR/evacuations.jsonl
  run -0 "$REPO/dist/NovaEvacuate" start
  run -0 --separate-stderr "$REPO/dist/NovaEvacuate" monitor
  assert_output ''
  assert_regex "$stderr" 'Completed evacuation of comp0'
  assert_server vm comp1 ACTIVE
  run -0 "$REPO/dist/NovaEvacuate" stop
}

@test "a state directory that cannot be written: start is 1 and says which" {
  : >"$BATS_TEST_TMPDIR/file"
  run -1 evacuator start HA_RSCTMP="$BATS_TEST_TMPDIR/file"
  assert_output --partial 'ocf-exit-reason:Invalid state directory'
  assert_output --partial "$BATS_TEST_TMPDIR/file"
}

@test "log lines go to the log file when there is one, not to stderr as well" {
  cloud_stop
  cloud_start --speed 20 --scenario '{"servers": [{"name": "vm", "host": "comp0"}]}'
  fail_host comp0
  evacuator start
  run -0 evacuator monitor HA_LOGFILE="$BATS_TEST_TMPDIR/log"
  assert_output ''
  run cat "$BATS_TEST_TMPDIR/log"
  assert_line --partial 'NOTICE: Initiating evacuation of comp0 with NovaEvacuate'
  assert_line --partial 'NOTICE: Completed evacuation of comp0'
  refute_output --partial 'DEBUG'
}
