#!/usr/bin/env bats
# The ways to a cloud: TLS with an authority of its own, IPv6, spellings of auth_url, kinds of log-in, endpoints.

bats_require_minimum_version 1.5.0

setup_file() {
  "$BATS_TEST_DIRNAME/../../node_modules/.bin/node" "$BATS_TEST_DIRNAME/../certificates/main.ts" "$BATS_FILE_TMPDIR"
}

setup() {
  load helpers/simulators
  cluster_start ctl0 comp0 comp1
  scenario='{"hosts": ["comp0", "comp1"], "servers": [{"name": "vm", "host": "comp0"}]}'
}
teardown() { cloud_stop; }

tls_cloud() {
  cloud_start --speed 20 --scenario "$scenario" --tls-key "$BATS_FILE_TMPDIR/server.key" --tls-cert "$BATS_FILE_TMPDIR/server.pem"
  fail_host comp0
  evacuator start
}

@test "an authority nobody vouches for: refused in one sentence, the mark is kept" {
  tls_cloud
  for insecure in '' 0 false no; do
    run -190 evacuator monitor "OCF_RESKEY_insecure=$insecure"
    assert_line --regexp '^ocf-exit-reason:.*certificate'
  done
  assert_equal "$(mark_permanent comp0)" yes
  assert_server vm comp0 ACTIVE
}

@test "insecure covers every request, discovery included" {
  tls_cloud
  run -0 evacuator monitor OCF_RESKEY_insecure=1
  assert_server vm comp1 ACTIVE
}

@test "cacert names the authority" {
  tls_cloud
  run -0 evacuator monitor OCF_RESKEY_cacert="$BATS_FILE_TMPDIR/ca.pem"
  assert_server vm comp1 ACTIVE
}

@test "REQUESTS_CA_BUNDLE names it too, as for the original" {
  tls_cloud
  run -0 evacuator monitor REQUESTS_CA_BUNDLE="$BATS_FILE_TMPDIR/ca.pem"
  assert_server vm comp1 ACTIVE
}

@test "an IPv6 address" {
  cloud_start --speed 20 --scenario "$scenario" --host ::1
  assert_regex "$CLOUD_AUTH_URL" '^http://\[::1\]:'
  fail_host comp0
  evacuator start
  run -0 evacuator monitor
  assert_server vm comp1 ACTIVE
}

@test "an auth_url with and without /v3, with and without a slash at its end, discovery with 200 and 300" {
  cloud_start --speed 20
  mark comp0
  cluster fenced comp0
  evacuator start
  local url status
  for status in 300 200; do
    sim PUT knobs "{\"discoveryStatus\": $status}"
    for url in "$CLOUD_KEYSTONE" "$CLOUD_KEYSTONE/" "$CLOUD_KEYSTONE/v3" "$CLOUD_KEYSTONE/v3/"; do
      cluster set evacuate comp0 yes
      sim POST hosts/comp0/kill
      run -0 evacuator monitor OCF_RESKEY_auth_url="$url"
      assert_output --partial 'Completed evacuation of comp0'
      assert_equal "$(mark_transient comp0)" no
    done
  done
}

# without_password [NAME=VALUE...]   a monitor that logs in otherwise
without_password() {
  evacuator monitor OCF_RESKEY_username= OCF_RESKEY_password= OCF_RESKEY_tenant_name= "$@"
}
credential_cloud() {
  cloud_start --speed 20 --scenario '{"hosts": ["comp0", "comp1"], "servers": [{"name": "vm", "host": "comp0"}],
    "applicationCredentials": [{"id": "0123abcd", "name": "ha", "secret": "app-secret", "user": "admin"}]}'
  fail_host comp0
  evacuator start
}

@test "an application credential by its id" {
  credential_cloud
  run -0 without_password OCF_RESKEY_application_credential_id=0123abcd OCF_RESKEY_application_credential_secret=app-secret
  assert_server vm comp1 ACTIVE
  refute_output --partial app-secret
}

@test "an application credential by its name and user" {
  credential_cloud
  run -0 without_password OCF_RESKEY_application_credential_name=ha OCF_RESKEY_username=admin \
    OCF_RESKEY_application_credential_secret=app-secret
  assert_server vm comp1 ACTIVE
}

@test "an application credential with the wrong secret" {
  credential_cloud
  run -190 without_password OCF_RESKEY_application_credential_id=0123abcd OCF_RESKEY_application_credential_secret=wrong-secret
  assert_line --regexp '^ocf-exit-reason:.*401'
  refute_output --partial wrong-secret
  assert_equal "$(mark_permanent comp0)" yes
}

@test "an entry of clouds.yaml" {
  credential_cloud
  cat >"$BATS_TEST_TMPDIR/clouds.yaml" <<END
clouds:
  ha:
    auth:
      auth_url: $CLOUD_AUTH_URL
      username: admin
      password: adminpw
      project_name: admin
      user_domain_name: Default
      project_domain_name: Default
    region_name: RegionOne
    interface: internal
END
  run -0 without_password OCF_RESKEY_auth_url= OCF_RESKEY_cloud=ha OS_CLIENT_CONFIG_FILE="$BATS_TEST_TMPDIR/clouds.yaml"
  assert_server vm comp1 ACTIVE
}

@test "domains by name and by id, other than Default" {
  cloud_start --speed 20 --scenario '{"hosts": ["comp0", "comp1"], "servers": [{"name": "vm", "host": "comp0"}],
    "users": [{"name": "ha", "password": "hapw", "project": "ops", "roles": ["admin"], "domain": "Heat"}]}'
  fail_host comp0
  evacuator start
  run -190 evacuator monitor OCF_RESKEY_username=ha OCF_RESKEY_password=hapw OCF_RESKEY_tenant_name=ops
  run -0 evacuator monitor OCF_RESKEY_username=ha OCF_RESKEY_password=hapw OCF_RESKEY_tenant_name=ops \
    OCF_RESKEY_user_domain=Heat OCF_RESKEY_project_domain=heat
  assert_server vm comp1 ACTIVE
}

@test "each kind of endpoint, and a region" {
  cloud_start --speed 20 --region East --region West
  mark comp0
  cluster fenced comp0
  evacuator start
  local kind
  for kind in internalURL publicURL adminURL; do
    cluster set evacuate comp0 yes
    sim POST hosts/comp0/kill
    run -0 evacuator monitor "OCF_RESKEY_endpoint_type=$kind" OCF_RESKEY_region_name=West
    assert_equal "$(mark_transient comp0)" no
  done
  sim DELETE 'catalog/compute?interface=public'
  cluster set evacuate comp0 yes
  run -190 evacuator monitor OCF_RESKEY_endpoint_type=publicURL
  assert_line --regexp '^ocf-exit-reason:.*(internal|admin)'
}
