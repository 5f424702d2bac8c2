#!/bin/bash
# node.sh ARGS - the repository's own Node.js, which runs TypeScript; the machine's may be older or missing.
root=$(cd "$(dirname "$0")/../.." && pwd)
PATH=$root/node_modules/.bin:$PATH exec node "$@"
