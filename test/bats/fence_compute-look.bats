#!/usr/bin/env bats
# fence_compute status, list, list-status, monitor: what they print, and that they fail plainly.

bats_require_minimum_version 1.5.0

setup() {
  load helpers/simulators
  cloud_start --speed 20 --scenario '{"hosts": ["comp0", "comp1.example.org", "hv.a", "hv.b"]}'
  cluster_start ctl0 comp0
}
teardown() {
  cloud_stop
}

@test "status: only down and disabled is OFF, exit 2" {
  run --separate-stderr fence action=status port=comp0
  assert_success
  assert_output 'Status: ON'
  sim PUT hosts/comp0 '{"disabled": true}'
  run fence action=status port=comp0
  assert_success
  assert_output 'Status: ON'
  sim PUT hosts/comp0 '{"disabled": false, "forcedDown": true}'
  run fence action=status port=comp0
  assert_success
  assert_output 'Status: ON'
  sim PUT hosts/comp0 '{"disabled": true}'
  run --separate-stderr fence action=status port=comp0
  assert_failure 2
  assert_output 'Status: OFF'
  [ -z "$stderr" ]
  assert_equal "$(sim_count '^PUT')" 0
}

@test "status by short name, by full name, and with another domain" {
  for plug in comp1 comp1.example.org comp1.localdomain comp0.localdomain; do
    run fence action=status port=$plug
    assert_success
    assert_output 'Status: ON'
  done
}

@test "status of an unknown and of an ambiguous host is an error" {
  run --separate-stderr fence action=status port=comp9
  assert_failure 1
  assert_output ''
  [[ $stderr == *'ERROR: Nova does not know about comp9'* ]]
  run --separate-stderr fence action=status port=hv
  assert_failure 1
  [[ $stderr == *'hv.a or hv.b'* ]]
  run fence action=status port=hv domain=b
  assert_success
}

@test "list names hosts by their full and their short names" {
  run --separate-stderr fence action=list
  assert_success
  assert_output "$(printf '%s,\n' comp0 comp1.example.org comp1 hv.a hv.b)"
  [ -z "$stderr" ]
  run fence action=list 'separator=;'
  assert_line 'comp0;'
  run fence action=list-status
  assert_success
  assert_line 'comp0,,UNKNOWN'
}

@test "monitor is silent when all is well" {
  run --separate-stderr fence action=monitor
  assert_success
  assert_output ''
  [ -z "$stderr" ]
}

@test "no look changes anything, nor asks the attribute daemon" {
  for action in status list list-status monitor; do
    run fence action="$action" port=comp0
    assert_success
  done
  assert_equal "$(cluster calls)" ''
  assert_equal "$(sim_count '^(PUT|DELETE)')" 0
}

fails_plainly() { # SENTENCE [OPTION]...
  local sentence=$1 action
  shift
  for action in status list list-status monitor; do
    run --separate-stderr fence action="$action" port=comp0 "$@"
    assert_failure 1
    assert_output ''
    assert_equal "${#stderr_lines[@]}" 1
    [[ $stderr == *"ERROR: "*"$sentence"* ]] || {
      echo "$action: $stderr" >&2
      return 1
    }
  done
}

@test "a wrong password" {
  fails_plainly admin passwd=hunter2
  [[ $stderr != *hunter2* ]]
}

@test "an unknown project" {
  fails_plainly '' tenant_name=nosuch
}

@test "a user without rights" {
  fails_plainly 403 login=demo passwd=demopw tenant_name=demo
}

@test "no such endpoint" {
  sim DELETE 'catalog/compute?interface=internal'
  fails_plainly compute
}

@test "no such region" {
  fails_plainly nosuch region_name=nosuch
}

@test "Nova refuses" {
  sim_fault '{"service": "nova", "path": "os-services", "status": 403}'
  fails_plainly 403
}

@test "Nova answers a list of the wrong shape" {
  sim_fault '{"service": "nova", "path": "os-services", "patch": {"services.0.host": 7}}'
  fails_plainly host
}

@test "Keystone away: in time for a monitor of 20 seconds" {
  sim POST services/keystone/stop
  SECONDS=0
  run fence action=monitor
  assert_failure 1
  assert_equal "${#lines[@]}" 1
  assert_output --partial "${CLOUD_KEYSTONE#http://}"
  [ "$SECONDS" -lt 18 ]
}

@test "a hanging Nova: in time for a monitor of 20 seconds" {
  sim_fault '{"service": "nova", "hang": true}'
  SECONDS=0
  run fence action=monitor
  assert_failure 1
  assert_equal "${#lines[@]}" 1
  [ "$SECONDS" -lt 18 ]
}

@test "shell_timeout and login_timeout count when they are given" {
  sim_fault '{"service": "keystone", "method": "POST", "hang": true}'
  SECONDS=0
  run fence action=monitor login_timeout=2
  assert_failure 1
  [ "$SECONDS" -lt 8 ]
}

@test "verbose tells requests, never secrets" {
  run fence action=monitor verbose=1
  assert_success
  assert_output --partial 'POST /v3/auth/tokens 201'
  refute_output --partial adminpw
  refute_output --partial gAAAA
}

@test "the environment's OS_ variables are not looked at" {
  OS_AUTH_URL=http://127.0.0.1:1 OS_USERNAME=nosuch OS_PASSWORD=nosuch run fence action=monitor
  assert_success
}

@test "application credentials" {
  sim POST scenario '{"hosts": [], "applicationCredentials": [{"id": "ac1", "name": "ha", "secret": "s3cret", "user": "admin"}]}'
  run bash -c "printf '%s\n' action=monitor auth_url='$CLOUD_AUTH_URL' application_credential_id=ac1 \
    application_credential_secret=s3cret | '$REPO/dist/fence_compute'"
  assert_success
  run bash -c "printf '%s\n' action=monitor auth_url='$CLOUD_AUTH_URL' application_credential_id=ac1 \
    application_credential_secret=hunter2 | '$REPO/dist/fence_compute'"
  assert_failure 1
  refute_output --partial hunter2
}
