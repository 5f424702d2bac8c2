#!/usr/bin/python3
"""domains-off.py FILE: the power of this hypervisor is gone, so every domain in its file is off (SHUTDOWN)."""
import json
import os
import sys

SHUTDOWN = 4  # nova.compute.power_state.SHUTDOWN; importing nova takes seconds

path = sys.argv[1]
try:
    with open(path) as f:
        domains = json.load(f)
except FileNotFoundError:
    sys.exit(0)
with open(path + '.off', 'w') as f:
    json.dump({uuid: [name, SHUTDOWN] for uuid, (name, _) in domains.items()}, f)
os.rename(path + '.off', path)
