#!/usr/bin/env bats
# fence_compute as a program: command line, stdin, documents, exit codes. No cloud is asked for anything here.

bats_require_minimum_version 1.5.0

setup() {
  load helpers/simulators
  fence_compute=$REPO/dist/fence_compute
  # Nothing listens on port 1: whatever tried to reach a cloud would fail.
  login=(-k http://127.0.0.1:1/v3 -l admin -p hunter2 -t admin)
}

# Options as Pacemaker gives them, each argument a line.
stdin() {
  printf '%s\n' "$@" | "$fence_compute"
}

refused() { # SENTENCE
  assert_failure 1
  assert_output --partial "ERROR: $1"
  assert_output --partial "Please use '-h' for usage"
}

@test "metadata, meta-data and manpage are the same XML, from arguments and from stdin" {
  run --separate-stderr "$fence_compute" -o metadata
  assert_success
  assert_output --partial '<resource-agent name="fence_compute"'
  [ -z "$stderr" ]
  xml=$output
  for action in meta-data manpage METADATA; do
    run --separate-stderr "$fence_compute" --action="$action"
    assert_success
    assert_equal "$output" "$xml"
  done
  run --separate-stderr stdin action=metadata
  assert_success
  assert_equal "$output" "$xml"
}

@test "metadata needs no environment, no options and no rights" {
  run --separate-stderr env -i "$fence_compute" -o metadata
  assert_success
  [ -z "$stderr" ]
  [ "$EUID" = 0 ] || return 0
  # A copy where everybody can get at it: the checkout may lie where others cannot enter.
  copy=$(mktemp -d)
  chmod 755 "$copy"
  install -m 755 "$fence_compute" "$copy/fence_compute"
  run --separate-stderr setpriv --reuid=65534 --regid=65534 --clear-groups env -i "$copy/fence_compute" -o metadata
  rm -r "$copy"
  assert_success
  assert_output "$("$fence_compute" -o metadata)"
}

@test "metadata is well formed and names what configurations use" {
  xml=$("$fence_compute" -o metadata)
  for name in action plug port login username passwd password passwd_script password_script tenant_name auth_url \
    endpoint_type region_name user-domain user_domain project-domain project_domain domain compute-domain \
    compute_domain insecure record_only instance_filtering no_shared_storage delay power_timeout power_wait \
    login_timeout shell_timeout retry_on stonith_status_sleep disable_timeout separator plug_separator verbose \
    verbose_level debug debug_file quiet help version; do
    assert_equal "$name $(grep -c "<parameter name=\"$name\" " <<<"$xml")" "$name 1"
  done
  for action in off status list list-status monitor metadata manpage validate-all; do
    grep -q "<action name=\"$action\" />" <<<"$xml"
  done
  grep -q '<action name="on" automatic="1"/>' <<<"$xml"
  run ! grep -q 'name="reboot"' <<<"$xml"
}

@test "help is printed whatever else is asked for" {
  for arguments in -h --help '-o nosuch -h' '-n x --hel'; do
    # shellcheck disable=SC2086
    run --separate-stderr "$fence_compute" $arguments
    assert_success
    assert_line --partial 'fence_compute [options]'
    assert_output --partial '--auth-url'
    [ -z "$stderr" ]
  done
  run --separate-stderr stdin help=1
  assert_success
  assert_line --partial 'fence_compute [options]'
}

@test "version is one line" {
  for arguments in -V --version; do
    run --separate-stderr "$fence_compute" $arguments
    assert_success
    assert_equal "${#lines[@]}" 1
    assert_output --regexp '^[0-9]+\.[0-9]+\.[0-9]+'
  done
  run stdin version=1
  assert_success
  assert_equal "${#lines[@]}" 1
}

@test "help=0 and version=0 ask for nothing" {
  run --separate-stderr stdin help=0 version=0 action=validate-all
  assert_success
  assert_output ''
}

@test "validate-all needs no plug, asks nobody and prints nothing" {
  run --separate-stderr "$fence_compute" "${login[@]}" -o validate-all
  assert_success
  assert_output ''
  [ -z "$stderr" ]
  run stdin action=validate-all auth_url=http://127.0.0.1:1 login=a passwd=b tenant_name=c plug=c0
  assert_success
}

@test "validate-all without a login passes with a warning, as it always did" {
  run --separate-stderr stdin action=validate-all plug=c0
  assert_success
  assert_output ''
  [[ $stderr == *'WARNING: auth_url is not set'* ]]
}

@test "unknown actions are refused in words Pacemaker knows" {
  for action in reboot diag start stop nosuch; do
    run "$fence_compute" "${login[@]}" -o "$action" -n c0
    refused "Failed: Unrecognised action '$action'"
  done
  run stdin 'action = status' port=c0
  refused 'Failed: auth_url is not set'
  run stdin 'action= status' port=c0
  refused "Failed: Unrecognised action ' status'"
}

@test "the plug is required for off, on and status" {
  for action in off on status disable enable; do
    run "$fence_compute" "${login[@]}" -o "$action"
    refused 'Failed: You have to enter plug number or machine identification'
    run stdin action="$action" plug= nodename=c0
    refused 'Failed: You have to enter plug number or machine identification'
  done
}

@test "no option at all is the default action without a plug" {
  run bash -c "'$fence_compute' </dev/null"
  refused 'Failed: You have to enter plug number or machine identification'
  run stdin option=status nodename=c0
  refused 'Failed: You have to enter plug number or machine identification'
  assert_output --partial "Ignoring unknown option 'option'"
}

@test "wrong numbers are refused, negative ones are numbers" {
  for name in delay power_timeout power_wait login_timeout shell_timeout stonith_status_sleep; do
    run stdin "$name=abc" action=validate-all
    refused "Failed: The value you have entered for --${name//_/-} is not a valid time in seconds"
  done
  run stdin retry_on=many action=validate-all
  refused 'Failed: The value you have entered for --retry-on is not a valid integer'
  run stdin delay=-3 retry_on=-1 power_wait=-1 action=validate-all
  assert_success
}

@test "each missing part of the login is named" {
  run stdin action=monitor login=a passwd=b tenant_name=c
  refused 'Failed: auth_url is not set'
  run stdin action=monitor auth_url=http://127.0.0.1:1 passwd=b tenant_name=c
  refused 'Failed: username is not set'
  run stdin action=monitor auth_url=http://127.0.0.1:1 login=a tenant_name=c
  refused 'Failed: password is not set'
  run stdin action=monitor auth_url=http://127.0.0.1:1 login=a passwd=b
  refused 'Failed: tenant_name is not set'
}

@test "each wrong part of the connection is named, before anything is done" {
  cluster_start ctl0 comp0
  good=(auth_url=http://127.0.0.1:1 login=a passwd=b tenant_name=c nodename=comp0 port=comp0)
  for wrong in endpoint_type=foo auth_url=ftp://x auth_url=keystone cacert=/no/such/file cert=/no/such/file cloud=nosuch; do
    for action in off validate-all; do
      run stdin "${good[@]}" "$wrong" action="$action"
      refused 'Failed: '
      case $wrong in
      *file) assert_output --partial /no/such/file ;;
      *) assert_output --partial "${wrong%%=*}" ;;
      esac
    done
  done
  assert_equal "$(mark_transient comp0)$(mark_permanent comp0)" ''
  assert_equal "$(cluster calls)" ''
}

@test "a command line that is wrong" {
  run "$fence_compute" --nosuch
  refused 'Parse error: option --nosuch not recognized'
  run "$fence_compute" -x
  refused 'Parse error: option -x not recognized'
  run "$fence_compute" -n
  refused 'Parse error: option -n requires argument'
  run "$fence_compute" --plu=c0
  refused 'Parse error: option --plu not a unique prefix'
  run "$fence_compute" --insecure=1
  refused 'Parse error: option --insecure must not have an argument'
  run "$fence_compute" --record-only
  refused 'Parse error: option --record-only requires argument'
}

@test "a command line by the rules of GNU" {
  for arguments in '-o validate-all' '-ovalidate-all' '--action=validate-all' '--act validate-all' \
    '-qovalidate-all' '-n c0 stray -o validate-all' '-o off -o validate-all' '-o validate-all -- -o off'; do
    # shellcheck disable=SC2086
    run --separate-stderr "$fence_compute" "${login[@]}" $arguments
    assert_success
    assert_output ''
  done
  run "$fence_compute" "${login[@]}" stray -o validate-all
  assert_success
  assert_output --partial "WARNING: Unused arguments on command line: 'stray'"
}

@test "any argument keeps stdin from being read" {
  run --separate-stderr bash -c "echo action=metadata | '$fence_compute' -o validate-all"
  assert_success
  assert_output ''
}

@test "stdin is read as Pacemaker and people write it" {
  login_lines=(auth_url=http://127.0.0.1:1 login=a passwd=b tenant_name=c)
  run --separate-stderr bash -c "printf '  action=validate-all  \r\n\n# action=off\nauth_url=http://127.0.0.1:1\r\nlogin=a\npasswd=\"b\"\ntenant-name=c' | '$fence_compute'"
  assert_success
  [ -z "$stderr" ]
  run --separate-stderr stdin "${login_lines[@]}" action=off action=validate-all
  assert_success
  for name in auth-url auth_url no_shared-storage user-domain user_domain compute-domain record-only password-script debug_file; do
    run --separate-stderr stdin "$name=" action=validate-all
    assert_success
    [[ $stderr != *'unknown option'* ]]
  done
}

@test "unknown names are warned of without their values" {
  run --separate-stderr stdin action=validate-all private=hunter2 passwd-script=hunter2
  assert_success
  [[ $stderr == *"WARNING: Parse error: Ignoring unknown option 'private'"* ]]
  [[ $stderr == *"Ignoring unknown option 'passwd-script'"* ]]
  [[ $stderr != *hunter2* ]]
}

@test "booleans that are none are warned of and ignored" {
  run --separate-stderr stdin action=validate-all insecure=maybe quiet
  assert_success
  [[ $stderr == *"Ignoring option 'insecure' because it does not have a boolean value"* ]]
  [[ $stderr == *"Ignoring option 'quiet' because it does not have a boolean value"* ]]
}

@test "quiet silences stderr, quiet=0 does not" {
  run stdin action=nosuch quiet=1
  assert_failure 1
  assert_output ''
  run stdin action=nosuch quiet=0
  assert_failure 1
  assert_output --partial 'Unrecognised action'
}

@test "messages go to the debug file too; one that cannot be written is a failure" {
  file=$BATS_TEST_TMPDIR/fence.log
  run stdin action=validate-all nosuch=1 quiet=1 debug="$file"
  assert_success
  assert_output ''
  run cat "$file"
  assert_output --regexp '^[-0-9]{10} [:0-9]{8},[0-9]{3} WARNING: Parse error'
  run stdin action=validate-all debug_file=/no/such/dir/file
  assert_failure 1
  assert_output --partial 'Unable to create file /no/such/dir/file'
}

@test "record_only=2, Disabled and disabled do nothing, whatever is asked for" {
  cluster_start ctl0 comp0
  for word in 2 Disabled disabled; do
    for action in off on status list list-status monitor; do
      run --separate-stderr stdin action="$action" record-only="$word" port=comp0 nodename=comp0
      assert_success
      assert_output ''
      [ -z "$stderr" ]
    done
  done
  assert_equal "$(cluster calls)" ''
}

@test "a reader of stdout that went away is a failure" {
  run bash -c "set -o pipefail; '$fence_compute' -o metadata | true"
  # 141 would be a death by SIGPIPE; 0 that nobody noticed. Whether the pipe closes in time is up to the kernel.
  [ "$status" -eq 1 ] || [ "$status" -eq 0 ]
  run bash -c "'$fence_compute' -o metadata >/dev/full"
  assert_failure 1
}

@test "more than a megabyte on stdin is refused" {
  run bash -c "yes port=c0 | head -c 2000000 | '$fence_compute'"
  assert_failure 1
  assert_output --partial 'stdin holds more than 1048576 bytes'
}
