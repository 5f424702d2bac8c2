# What tests of NovaEvacuate's decisions share, beside helpers/simulators: passes, what they said and showed, and what
# was asked of Nova in which order. What is said goes to `said` in the test's directory.

# cloud [OPTIONS]   a cloud that is twenty times as fast as the default
cloud() { cloud_start --speed 20 "$@"; }

# pass [NAME=VALUE...]   one monitor; its exit code is in $code
pass() {
  code=0
  evacuator monitor "$@" >>"$BATS_TEST_TMPDIR/said" 2>&1 || code=$?
}

# passes_until COMMAND... [-- NAME=VALUE...]   monitors as Pacemaker does until the command succeeds; 60 s at most
passes_until() {
  local command=() end=$((SECONDS + ${WITHIN:-60}))
  while [ "$#" -gt 0 ] && [ "$1" != -- ]; do
    command+=("$1")
    shift
  done
  shift || true
  until "${command[@]}"; do
    [ "$SECONDS" -lt "$end" ] || fail "not yet: ${command[*]}; $(tail -n 3 "$BATS_TEST_TMPDIR/said" 2>/dev/null)"
    pass "$@"
    sleep 0.2
  done
}

# evacuated HOST   whether its mark says so
evacuated() { [ "$(mark_permanent "$1")" = no ]; }

# passes_until_done HOST [NAME=VALUE...]
passes_until_done() { passes_until evacuated "$1" -- "${@:2}"; }

# said   everything that was logged so far, exit reasons too
said() { cat "$BATS_TEST_TMPDIR/said" 2>/dev/null || true; }
# sayings REGEX   how many lines of it match
sayings() { said | grep -cE "$1" || true; }
# reason   the exit reason of the last pass that gave one
reason() { said | sed -n 's/^ocf-exit-reason://p' | tail -n 1; }

# progress HOST   what crm_mon -A shows of it
progress() { cluster get evacuation-"$1" ctl0 || true; }
shows() { [[ "$(progress "$1")" =~ $2 ]]; }

# posts   how many requests there were to do something with an instance
posts() { sim_count 'POST nova .*/action'; }

# asked [ACTION]   a line per request to do something with an instance (evacuate, os-resetState, …), in the order in which
# they came: NAME ACTION STATUS; with an action, the names alone of those that were accepted
asked() {
  "$NODE24" -e '
    const [control, wanted] = process.argv.slice(1);
    const get = async (path) => (await fetch(`${control}/_sim/${path}`)).json();
    Promise.all([get("requests?match=" + encodeURIComponent("^POST nova .*/action$")), get("state")]).then(
      ([requests, { servers }]) => {
        const names = new Map(servers.map(({ id, name }) => [id, name]));
        for (const { path, body, status } of requests) {
          const name = names.get(path.split("/").at(-2)) ?? "-";
          const [action] = Object.keys(JSON.parse(body));
          if (wanted === undefined) console.log(name, action, status ?? "-");
          else if (action === wanted && status === 200) console.log(name);
        }
      },
    );' "$CLOUD_CONTROL" "$@"
}

# asked_for NAME   whether Nova has accepted an evacuation of it
asked_for() { asked evacuate | grep -qx "$1"; }

# bodies ACTION   what such requests said, one line of JSON each
bodies() {
  "$NODE24" -e '
    const [control, wanted] = process.argv.slice(1);
    fetch(`${control}/_sim/requests?match=${encodeURIComponent("^POST nova .*/action$")}`)
      .then((answer) => answer.json())
      .then((requests) => {
        for (const { body } of requests) if (wanted in JSON.parse(body)) console.log(body);
      });' "$CLOUD_CONTROL" "$1"
}

# owner JSON NAME...   an action of the instances' owner through Nova's API, such as '{"os-stop": null}', and its end
owner() {
  "$NODE24" -e '
    const [auth, nova, control, action, ...names] = process.argv.slice(1);
    const headers = { "Content-Type": "application/json" };
    const user = { name: "admin", password: "adminpw", domain: { id: "default" } };
    const project = { name: "admin", domain: { id: "default" } };
    const body = { auth: { identity: { methods: ["password"], password: { user } }, scope: { project } } };
    const servers = async () => (await (await fetch(`${control}/_sim/state`)).json()).servers;
    const run = async () => {
      const login = await fetch(`${auth}/auth/tokens`, { method: "POST", headers, body: JSON.stringify(body) });
      const token = { ...headers, "X-Auth-Token": login.headers.get("X-Subject-Token") };
      for (const { id, name } of await servers()) {
        if (!names.includes(name)) continue;
        const path = `${nova}/v2.1/servers/${id}/action`;
        const answer = await fetch(path, { method: "POST", headers: token, body: action });
        if (!answer.ok) throw new Error(`${name}: ${answer.status} ${await answer.text()}`);
      }
      while ((await servers()).some(({ name, taskState }) => names.includes(name) && taskState !== null)) {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    run().catch((error) => { console.error(error.message); process.exitCode = 1; });
  ' "$CLOUD_AUTH_URL" "$CLOUD_NOVA" "$CLOUD_CONTROL" "$@"
  sim DELETE requests
}

# most_in_flight [FROM [TO]]   how many evacuations were in flight at the same time, at most, while the requests to evacuate
# from the FROM-th to the TO-th were accepted
most_in_flight() {
  "$NODE24" -e '
    const [control, from = "1", to = "Infinity"] = process.argv.slice(1);
    fetch(`${control}/_sim/state`)
      .then((answer) => answer.json())
      .then(({ migrations }) => {
        const isOpen = ({ status }) => !["done", "completed", "failed", "error"].includes(status);
        const begun = migrations.map(({ createdAt }) => createdAt).sort((a, b) => a - b);
        const counts = begun.slice(Number(from) - 1, Number(to)).map((at) =>
          migrations.filter((one) => one.createdAt <= at && (isOpen(one) || one.updatedAt > at)).length);
        console.log(Math.max(0, ...counts));
      });' "$CLOUD_CONTROL" "$@"
}

# in_flight   how many are now
in_flight() { sim_migrations | grep -cE ' (accepted|pre-migrating)$' || true; }

# property VALUE, node_word NODE VALUE   the operator's word, as crm_attribute leaves it; empty: taken back
property() {
  if [ -n "$1" ]; then cluster property evacuation "$1"; else cluster property-delete evacuation; fi
}
node_word() {
  if [ -n "$2" ]; then cluster forever evacuation "$1" "$2"; else cluster forever-delete evacuation "$1"; fi
}

# assert_stayed NAME...   nothing was asked for it, and it is where it was
assert_stayed() {
  local name list
  list=$(asked | cut -d' ' -f1)
  for name; do
    assert_equal "$name: $(grep -cx "$name" <<<"$list" || true) requests" "$name: 0 requests"
    assert_regex "$(sim_server "$name")" '^comp0 '
  done
}

# assert_said REGEX, refute_said REGEX   one line that was said, or none
assert_said() { said | grep -qE "$1" || fail "nobody said $1; said was:"$'\n'"$(said)"; }
refute_said() { ! said | grep -E "$1" || fail "somebody said $1"; }

# assert_once REGEX   said exactly once
assert_once() { assert_equal "$1: $(sayings "$1")" "$1: 1"; }
