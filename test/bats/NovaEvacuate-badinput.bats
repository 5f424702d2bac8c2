#!/usr/bin/env bats
# Wrong parameters, services that refuse, are away or answer nonsense, an attribute daemon in trouble: one sentence,
# the right exit code, no evacuation asked for, and the mark kept.

bats_require_minimum_version 1.5.0

setup_file() {
  # The tests share a cloud and break it each in their own way.
  export BATS_NO_PARALLELIZE_WITHIN_FILE=true
  load helpers/simulators
  cloud_start --speed 20 --scenario '{"servers": [{"name": "vm", "host": "comp0"}],
    "users": [{"name": "reader", "password": "readerpw", "project": "admin", "roles": ["reader"]}]}'
  sim POST hosts/comp0/kill
  sim PUT hosts/comp0 '{"forcedDown": true, "disabled": true, "disabledReason": "fenced by a test"}'
}
teardown_file() {
  load helpers/simulators
  cloud_stop
}

setup() {
  load helpers/simulators
  cluster_start ctl0 comp0 comp1 comp2
  mark comp0
  sim_no_faults
  sim DELETE requests
  evacuator start
  # A pass works for half of this, and requests end by four fifths of it.
  MONITOR_TIMEOUT=5000
}
teardown() {
  sim_no_faults
  # Nothing that one test did may help the next.
  assert_equal "$(sim_migrations)" ''
  assert_equal "$(sim_count 'POST nova .*/action')" 0
  assert_no_violations
}

# assert_sentence PATTERN   the exit reason: one line, plain, matching; nothing that only a programmer reads, no secret
assert_sentence() {
  local reasons
  reasons=$(grep '^ocf-exit-reason:' <<<"$output")
  assert_equal "$(wc -l <<<"$reasons")" 1
  assert_regex "$reasons" "$1"
  refute_output --regexp '^ +at |node:internal|TypeError|\[object|undefined|NaN'
  refute_output --partial "${SECRET:-adminpw}"
}

# assert_kept   no request for an evacuation was made, and the mark says that it is still owed
assert_kept() {
  assert_equal "$(mark_permanent comp0)" yes
  refute [ "$(mark_transient comp0)" = no ]
}

# troubled PATTERN [NAME=VALUE...]   a pass that cannot do its work says why and is "degraded"
troubled() {
  local pattern=$1
  shift
  run -190 evacuator monitor "$@"
  assert_sentence "$pattern"
  assert_kept
}

# ---- parameters --------------------------------------------------------------------------------------------

@test "each required parameter missing: 6, named, at start and validate-all" {
  local name
  for name in auth_url username password tenant_name; do
    for action in start validate-all; do
      run -6 evacuator "$action" "OCF_RESKEY_$name="
      assert_sentence "$name"
    done
  done
  assert_equal "$(sim_count)" 0
}

@test "wrong values: 6, named" {
  local wrong
  for wrong in endpoint_type=internl evacuate_delay=soon evacuate_delay=-1 concurrency=0 concurrency=many \
    auth_url=keystone auth_url=ftp://keystone/v3; do
    run -6 evacuator start "OCF_RESKEY_$wrong"
    assert_sentence "${wrong%%=*}"
  done
  assert_equal "$(sim_count)" 0
}

@test "a boolean that is none counts as no, as with the shell agents, and is said" {
  run -0 evacuator start OCF_RESKEY_insecure=perhaps
  assert_output --partial insecure
}

@test "files that cannot be read: named" {
  run evacuator validate-all OCF_RESKEY_cacert=/nonexistent/ca.pem
  refute [ "$status" = 0 ]
  assert_sentence '/nonexistent/ca.pem'
  run evacuator validate-all OCF_RESKEY_cloud=nosuch HOME="$BATS_TEST_TMPDIR" OS_CLIENT_CONFIG_FILE=/nonexistent/clouds.yaml \
    OCF_RESKEY_username= OCF_RESKEY_password= OCF_RESKEY_tenant_name= OCF_RESKEY_auth_url=
  refute [ "$status" = 0 ]
  assert_sentence 'clouds.yaml|nosuch'
}

@test "a file that never answers (as below a hung NFS): named, and the process ends" {
  mkfifo "$BATS_TEST_TMPDIR/pipe"
  run evacuator validate-all OCF_RESKEY_cacert="$BATS_TEST_TMPDIR/pipe"
  refute [ "$status" = 0 ]
  assert_sentence 'pipe of cacert cannot be used: it is no plain file'
  SECONDS=0
  run evacuator validate-all OCF_RESKEY_cloud=mycloud OS_CLIENT_CONFIG_FILE="$BATS_TEST_TMPDIR/pipe" \
    OCF_RESKEY_username= OCF_RESKEY_password= OCF_RESKEY_tenant_name= OCF_RESKEY_auth_url=
  refute [ "$status" = 0 ]
  assert_sentence 'pipe cannot be read: it did not answer within 5 s'
  assert [ "$SECONDS" -lt 15 ]
}

# ---- Keystone ----------------------------------------------------------------------------------------------

@test "a wrong password, an unknown user, an unknown project" {
  SECRET=wrongpw troubled 'user|password|log' OCF_RESKEY_password=wrongpw
  troubled 'log|user' OCF_RESKEY_username=nosuch
  troubled 'log|project' OCF_RESKEY_tenant_name=nosuch
}

@test "an account that has expired or is locked: Keystone's own words, from the fence agent as well" {
  local said
  for said in 'The password is expired and needs to be changed for user: 0ca8f6.' 'The account is locked for user: 0ca8f6.'; do
    sim_no_faults
    sim_fault "{\"service\": \"keystone\", \"method\": \"POST\", \"path\": \"auth/tokens\", \"status\": 401,
      \"json\": {\"error\": {\"code\": 401, \"title\": \"Unauthorized\", \"message\": \"$said\"}}}"
    troubled "${said%.}"
    run fence action=monitor
    assert_equal "$status" 1
    assert_output --partial "${said%.}"
  done
}

@test "a clouds.yaml whose password is not in quotation marks: no start, and no word of the password" {
  cat >"$BATS_TEST_TMPDIR/clouds.yaml" <<'END'
clouds:
  ha:
    auth: {auth_url: "http://127.0.0.1:9/v3", username: admin, password: *adminpw, project_name: admin}
END
  for action in start validate-all; do
    run -6 evacuator "$action" OCF_RESKEY_cloud=ha OS_CLIENT_CONFIG_FILE="$BATS_TEST_TMPDIR/clouds.yaml" \
      OCF_RESKEY_auth_url= OCF_RESKEY_username= OCF_RESKEY_password= OCF_RESKEY_tenant_name=
    assert_sentence 'clouds.yaml is not YAML: line 3 .*quotation marks'
  done
}

@test "Keystone away: connection refused, unknown name" {
  troubled '127.0.0.1:9' OCF_RESKEY_auth_url=http://127.0.0.1:9/v3
  troubled 'keystone.invalid' OCF_RESKEY_auth_url=http://keystone.invalid:5000/v3
}

@test "Keystone answers 500, 503, HTML, half an answer, no token, not JSON" {
  local fault
  for fault in '"status": 500' '"status": 503, "headers": {"Retry-After": "1"}' '"text": "<html>hello</html>"' \
    '"truncate": true' '"text": "{"' '"json": {"token": {}}' '"json": []'; do
    sim_no_faults
    sim_fault "{\"service\": \"keystone\", \"path\": \"auth/tokens\", $fault}"
    troubled .
  done
}

@test "Keystone that speaks version 2 only gets one clear sentence" {
  sim PUT knobs '{"keystoneV2Only": true}'
  run -190 evacuator monitor
  sim PUT knobs '{"keystoneV2Only": false}'
  assert_sentence 'v3|version'
  assert_kept
}

@test "the catalogue has no compute endpoint, none of the interface, none in the region: named with what there is" {
  sim_fault '{"service": "keystone", "path": "auth/tokens", "patch": {"token.catalog": []}}'
  troubled 'compute'
  sim_no_faults
  troubled 'RegionOne' OCF_RESKEY_region_name=Nowhere
}

@test "a user without the rights: says so" {
  troubled 'polic|allow|right|403' OCF_RESKEY_username=reader OCF_RESKEY_password=readerpw
}

# ---- Nova --------------------------------------------------------------------------------------------------

@test "Nova away" {
  sim POST services/nova/stop
  run -190 evacuator monitor
  sim POST services/nova/start
  assert_sentence 'Nova|refused'
  assert_kept
}

@test "Nova answers every token with 401" {
  sim_fault '{"service": "nova", "path": "/v2.1/.", "status": 401}'
  troubled '401|token|log'
}

@test "Nova hangs" {
  sim_fault '{"service": "nova", "hang": true}'
  SECONDS=0
  troubled 'answer|time'
  assert [ "$SECONDS" -le 5 ]
}

@test "Nova's answers are broken, one after the other" {
  local place fault
  for place in 'os-services' 'servers/detail' 'os-migrations'; do
    for fault in '"status": 500' '"status": 403' '"truncate": true' '"text": "<html>"' '"json": {}' '"json": null'; do
      sim_no_faults
      sim_fault "{\"service\": \"nova\", \"path\": \"$place\", $fault}"
      troubled .
    done
  done
}

@test "a member of an answer is of the wrong type: the sentence names it, or what it stands in the way of" {
  sim_fault '{"path": "os-services", "patch": {"services.0.host": 7}}'
  troubled 'host'
  sim_no_faults
  # As with a cell whose database does not answer, which is far more likely.
  sim_fault '{"path": "os-services", "patch": {"services.0.state": "sideways"}}'
  troubled 'Nova does not tell whether its nova-compute is down'
  sim_no_faults
  sim_fault '{"path": "servers/detail", "remove": ["servers.0.id"]}'
  troubled 'id'
}

# ---- names -------------------------------------------------------------------------------------------------

@test "a mark that matches no host of Nova: named, kept" {
  cluster forever-delete evacuate comp0
  cluster purge comp0
  cluster set evacuate nosuch yes
  run -190 evacuator monitor
  assert_sentence 'nosuch'
  assert_equal "$(mark_transient nosuch)" yes
}

@test "a mark that matches several hosts: both are named, none is touched" {
  cluster forever-delete evacuate comp0
  cluster purge comp0
  sim POST hosts '"hv.east.example"'
  sim POST hosts '"hv.west.example"'
  cluster set evacuate hv yes
  run -190 evacuator monitor
  assert_sentence 'hv\.east\.example.*hv\.west\.example|hv\.west\.example.*hv\.east\.example'
  run sim_services
  assert_line --partial 'hv.east.example up enabled -'
  assert_line --partial 'hv.west.example up enabled -'
}

@test "a value that nobody defined is named and left alone" {
  cluster forever evacuate comp0 no
  cluster set evacuate comp0 perhaps
  run -0 evacuator monitor
  assert_output --partial 'perhaps'
  assert_equal "$(mark_transient comp0)" perhaps
}

# ---- the attribute daemon ----------------------------------------------------------------------------------

@test "attrd_updater is missing" {
  cluster missing attrd_updater
  run -190 evacuator monitor PATH="$CLUSTER/bin:/nonexistent"
  assert_sentence 'attrd_updater'
}

@test "cibadmin is missing" {
  cluster missing cibadmin
  run -190 evacuator monitor PATH="$CLUSTER/bin:/nonexistent"
  assert_sentence 'cibadmin'
}

@test "no cluster" {
  cluster down
  run -190 evacuator monitor
  assert_sentence 'attrd_updater|cluster|connect'
  cluster up
  assert_kept
}

@test "claims cannot be written: nothing is asked of Nova" {
  cluster fail attrd_updater.update always 124 'Timed out'
  troubled 'attrd_updater'
}

@test "the attribute daemon hangs: the pass ends in time" {
  cluster hang attrd_updater
  SECONDS=0
  MONITOR_TIMEOUT=20000
  run -190 evacuator monitor
  assert [ "$SECONDS" -lt 20 ]
  assert_sentence 'attrd_updater'
}
