#!/usr/bin/env bats
# What is written for operators is what the binaries say.

bats_require_minimum_version 1.5.0

setup() {
  load "$BATS_TEST_DIRNAME/../../node_modules/bats-support/load"
  load "$BATS_TEST_DIRNAME/../../node_modules/bats-assert/load"
  root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
}

@test "the tables of docs/ are those of the meta-data" {
  run -0 "$root/node_modules/.bin/node" "$root/build/docs.ts" --check
}

@test "every file that a page links to is there" {
  local page link
  for page in "$root"/*.md "$root"/docs/*.md; do
    while read -r link; do
      [[ -e $(dirname "$page")/$link ]] || fail "$page links to $link, which does not exist"
    done < <(grep -oE '\]\([^)#:]+' "$page" | cut -c3-)
  done
}

@test "every section that a page links to is there" {
  local page link target
  for page in "$root"/*.md "$root"/docs/*.md; do
    while read -r link; do
      target=$(dirname "$page")/${link%%#*}
      [[ $link != '#'* ]] || target=$page
      # As GitHub makes anchors of headings.
      sed -n 's/^#\+ //p' "$target" | tr '[:upper:] ' '[:lower:]-' | sed 's/[^a-z0-9_-]//g' | grep -qxF -- "${link#*#}" ||
        fail "$page links to $link, and there is no such section"
    done < <(grep -oE '\]\([^):]*#[^):]+' "$page" | cut -c3-)
  done
}

@test "every npm script that a page names is there" {
  local name
  while read -r name; do
    grep -q "^    \"$name\": " "$root/package.json" || fail "npm run $name is not in package.json"
  done < <(grep -ohE 'npm run [a-z:-]+' "$root"/*.md "$root"/docs/*.md | awk '{print $3}' | sort -u)
}
