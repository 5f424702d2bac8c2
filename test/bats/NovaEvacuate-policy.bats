#!/usr/bin/env bats
# Which instances are evacuated: tags wherever they may stand, the word no that always wins, rules; what cannot be read
# waits and is named, and rules that are none are named before anything is done.

bats_require_minimum_version 1.5.0

setup() {
  load helpers/simulators
  load helpers/evacuation
  cluster_start ctl0 comp0 comp1 comp2
}
teardown() { cloud_stop; }
sim_has() { sim_migrations | grep -qE "$1"; }

# failed_host [OPTIONS of the cloud]   a cloud whose comp0 has failed, and the agent started
failed_host() {
  cloud "$@"
  fail_host comp0
  evacuator start
}

@test "evacuable=false always wins: metadata, flavour, image, the image of a volume; each is named with its rule" {
  failed_host --scenario '{
    "flavors": [{"id": "1", "name": "plain"}, {"id": "2", "name": "ha", "extraSpecs": {"evacuable": "true"}},
      {"id": "3", "name": "never", "extraSpecs": {"evacuable": " FALSE "}}],
    "images": [{"name": "plain"}, {"name": "tagged", "tags": ["evacuable"]},
      {"name": "banned", "tags": ["evacuable"], "properties": {"evacuable": "False"}}],
    "servers": [
      {"name": "by-flavour", "host": "comp0", "flavor": "ha"}, {"name": "by-image", "host": "comp0", "image": "tagged"},
      {"name": "by-metadata", "host": "comp0", "metadata": {"evacuable": "true"}},
      {"name": "by-volume", "host": "comp0", "image": null, "volumeImage": "tagged"},
      {"name": "no-metadata", "host": "comp0", "flavor": "ha", "metadata": {"evacuable": "false"}},
      {"name": "no-flavour", "host": "comp0", "flavor": "never", "metadata": {"evacuable": "true"}},
      {"name": "no-image", "host": "comp0", "flavor": "ha", "image": "banned"},
      {"name": "no-volume", "host": "comp0", "flavor": "ha", "image": null, "volumeImage": "banned"},
      {"name": "untagged", "host": "comp0"}]}'
  passes_until_done comp0
  assert_evacuated_once by-flavour by-image by-metadata by-volume
  assert_stayed no-metadata no-flavour no-image no-volume untagged
  assert_said 'Leaving no-metadata \(.*\) on comp0: its metadata say evacuable=false\.'
  assert_said 'Leaving no-flavour \(.*\) on comp0: its flavour never says evacuable=false\.'
  assert_said 'Leaving no-image \(.*\) on comp0: its image banned says evacuable=false\.'
  assert_said 'Leaving no-volume \(.*\) on comp0: the image that its volume was made from says evacuable=false\.'
  assert_said 'Leaving untagged \(.*\) on comp0: neither its flavour .* nor its image .* is tagged, others are\.'
  assert_equal "$(progress comp0)" '4/9 done, 5 left'
  assert_said 'Completed evacuation of comp0: 4 of 9 instances evacuated, 5 left there: '
  assert_no_violations
}

@test "evacuable=false with nothing tagged: all the others are evacuated" {
  failed_host --scenario '{"servers": [{"count": 2, "name": "vm", "host": "comp0"},
    {"name": "cache", "host": "comp0", "metadata": {"evacuable": "false"}}]}'
  passes_until_done comp0
  assert_evacuated_once vm-{1,2}
  assert_stayed cache
}

@test "one tenant's metadata do not switch off the recovery of the others" {
  failed_host --scenario '{"servers": [{"name": "theirs", "host": "comp0", "project": "loud", "metadata": {"evacuable": "true"}},
    {"name": "ours", "host": "comp0", "project": "quiet"}]}'
  passes_until_done comp0
  assert_evacuated_once theirs ours
}

@test "an aggregate's metadata tag its hosts, both ways" {
  cloud --scenario '{
    "aggregates": [{"name": "ha", "hosts": ["comp0"], "metadata": {"evacuable": "true"}},
      {"name": "edge", "hosts": ["comp1"], "metadata": {"evacuable": "false"}}],
    "servers": [{"name": "vm", "host": "comp0"}, {"name": "edgy", "host": "comp1", "metadata": {"evacuable": "true"}}]}'
  fail_host comp0
  fail_host comp1
  evacuator start
  passes_until_done comp0
  passes_until_done comp1
  assert_evacuated_once vm
  assert_equal "$(asked evacuate)" vm
  assert_said 'Leaving edgy \(.*\) on comp1: its aggregate edge says evacuable=false\.'
}

@test "include: only what a rule takes, or a tag; the others are named" {
  failed_host --scenario '{
    "images": [{"name": "plain"}, {"name": "ubuntu-24", "properties": {"os": "linux"}}],
    "servers": [{"name": "gold", "host": "comp0", "project": "gold"}, {"name": "db-1", "host": "comp0", "project": "other"},
      {"name": "db-test", "host": "comp0", "project": "other", "metadata": {"role": "test"}},
      {"name": "linux", "host": "comp0", "image": "ubuntu-24"},
      {"name": "tagged", "host": "comp0", "metadata": {"evacuable": "true"}}, {"name": "plain", "host": "comp0"}]}'
  passes_until_done comp0 OCF_RESKEY_include='project=gold name=db-?,project=other image:os=lin*'
  assert_evacuated_once gold db-1 linux tagged
  assert_stayed db-test plain
  assert_said 'Leaving plain .* on comp0: it matches no rule of include and is not tagged evacuable\.'
  assert_said 'Leaving db-test .* on comp0: it matches no rule of include'
}

@test "exclude: managed appliances stay, whatever else speaks for them, with the rule that left them" {
  failed_host --scenario '{
    "projects": [{"id": "5e771ce", "name": "service"}],
    "flavors": [{"id": "1", "name": "plain", "extraSpecs": {"evacuable": "true"}}],
    "images": [{"name": "plain"}, {"name": "amphora-x64"}],
    "servers": [{"name": "amphora-1", "host": "comp0", "project": "service"},
      {"name": "amphora-2", "host": "comp0", "metadata": {"evacuable": "true"}},
      {"name": "worker", "host": "comp0", "metadata": {"role": "throwaway"}},
      {"name": "balancer", "host": "comp0", "image": null, "volumeImage": "amphora-x64"}, {"name": "vm", "host": "comp0"}]}'
  passes_until_done comp0 OCF_RESKEY_include='name=*' \
    OCF_RESKEY_exclude='name=amphora-*,project=service metadata:role=throwaway image=amphora-*'
  assert_evacuated_once vm amphora-2
  assert_stayed amphora-1 worker balancer
  assert_said 'Leaving amphora-1 .* on comp0: it matches exclude rule name=amphora-\*,project=service\.'
  assert_said 'Leaving worker .* on comp0: it matches exclude rule metadata:role=throwaway\.'
  assert_said 'Leaving balancer .* on comp0: it matches exclude rule image=amphora-\*\.'
}

@test "rules of zone, aggregate and flavour" {
  cloud --scenario '{
    "flavors": [{"id": "1", "name": "plain"}, {"id": "2", "name": "gpu.large", "extraSpecs": {"pci_passthrough:alias": "a100:1"}}],
    "aggregates": [{"name": "az-b", "zone": "b", "hosts": ["comp1"]}, {"name": "lab", "hosts": ["comp0"]}],
    "servers": [{"name": "gpu", "host": "comp0", "flavor": "gpu.large"}, {"name": "vm", "host": "comp0"}, {"name": "b", "host": "comp1"}]}'
  fail_host comp0
  fail_host comp1
  evacuator start
  local rules=(OCF_RESKEY_include='zone=b aggregate=lab' OCF_RESKEY_exclude='flavor:pci_passthrough:alias=*')
  passes_until_done comp0 "${rules[@]}"
  passes_until_done comp1 "${rules[@]}"
  assert_evacuated_once vm b
  assert_stayed gpu
}

@test "volumes cannot be read: instances of volumes wait, degraded and named, the others do not; then they go on" {
  failed_host --scenario '{
    "images": [{"name": "plain"}, {"name": "tagged", "tags": ["evacuable"]}],
    "servers": [{"name": "disk", "host": "comp0", "image": "tagged"},
      {"name": "volume", "host": "comp0", "image": null, "volumeImage": "tagged"}]}'
  sim_fault '{"service": "cinder", "status": 503}'
  export MONITOR_TIMEOUT=6000
  passes_until sim_has 'disk .* done$'
  pass
  assert_equal "$code" 190
  assert_stayed volume
  assert_regex "$(reason)" '^evacuation of comp0: 1/2 done, 1 waiting; volume \(.*\): it boots from a volume, and '
  assert_regex "$(progress comp0)" '^1/2 done, 1 waiting'
  assert_once 'Waiting for volume \(.*\) on comp0: '
  refute evacuated comp0
  sim_no_faults
  passes_until_done comp0
  assert_evacuated_once disk volume
}

@test "a rule asks for a project's name, which Keystone does not tell: who may be meant waits, the others do not" {
  failed_host --scenario '{"servers": [{"name": "amphora-1", "host": "comp0"}, {"name": "vm", "host": "comp0"}]}'
  sim_fault '{"service": "keystone", "path": "/projects", "status": 503}'
  export MONITOR_TIMEOUT=6000
  local rule=OCF_RESKEY_exclude='name=amphora-*,project=service'
  passes_until sim_has '^vm .* done$' -- "$rule"
  pass "$rule"
  assert_equal "$code" 190
  assert_stayed amphora-1
  assert_regex "$(reason)" 'amphora-1 .*whether it matches exclude rule name=amphora-\*,project=service is not known'
  sim_no_faults
  passes_until_done comp0 "$rule"
  assert_evacuated_once amphora-1 vm
}

@test "a user who may not read image properties (403) evacuates as the original agents did, and it is said once" {
  failed_host --scenario '{"servers": [{"count": 2, "name": "vm", "host": "comp0"}]}'
  sim_fault '{"service": "glance", "path": "evacuable=", "status": 403}'
  passes_until_done comp0
  assert_evacuated_once vm-{1,2}
  assert_once 'WARNING: .*image'
}

@test "rules that are none: 6 at start, validate-all and monitor; the sentence names the parameter and the rule" {
  cloud --scenario '{"servers": [{"name": "vm", "host": "comp0"}]}'
  fail_host comp0
  evacuator start
  local action given expected
  while IFS='|' read -r given expected; do
    for action in start validate-all monitor; do
      run -6 evacuator "$action" "OCF_RESKEY_$given"
      # One plain sentence, which says what is wrong with which word.
      assert_equal "$(grep -c '^ocf-exit-reason:' <<<"$output")" 1
      assert_line --regexp "^ocf-exit-reason:$expected"
      refute_output --regexp '^ +at |TypeError|undefined|NaN'
    done
  done <<'EOT'
include=vm-*|include: rule "vm-\*" has the condition "vm-\*" without "="
include=name=a,,zone=b|include: rule "name=a,,zone=b" has an empty condition
exclude=tenant=gold|exclude: rule "tenant=gold" has the unknown condition "tenant"; .*name.*project
exclude=name=|exclude: rule "name=" says nothing after "name="; \* stands for any text
exclude=name=x metadata:=y|exclude: rule "metadata:=y" names no property in "metadata:="
exclude=server:role=y|exclude: rule "server:role=y" has the unknown condition
priority=project=gold|priority: rule "project=gold" does not end in a colon and a number from 0 to 1000
priority=project=gold:1001|priority: rule "project=gold:1001" does not end in a colon and a number from 0 to 1000
priority=gold:900|priority: rule "gold:900" has the condition "gold" without "="
other_states=restart|.*other_states.*leave.*recover
max_failed_percent=0|.*max_failed_percent
max_failed_percent=150|.*max_failed_percent
max_failed_per_aggregate=-1|.*max_failed_per_aggregate
max_hosts_at_once=some|.*max_hosts_at_once
log_format=xml|.*log_format.*text.*json
EOT
  # Nothing was asked for, and the mark is owed still.
  assert_equal "$(posts)" 0
  assert_equal "$(mark_permanent comp0)" yes
}

@test "a rule that was taken back counts no more from the next pass on" {
  failed_host --scenario '{"servers": [{"name": "vm", "host": "comp0"}, {"name": "later", "host": "comp0"}]}'
  sim POST conductor/stop
  export MONITOR_TIMEOUT=8000
  passes_until asked_for vm -- OCF_RESKEY_exclude='name=later'
  assert_said 'Leaving later .* on comp0: it matches exclude rule name=later'
  assert_equal "$(asked evacuate)" vm
  sim POST conductor/start
  MONITOR_TIMEOUT=20000
  passes_until_done comp0
  assert_evacuated_once vm later
}
