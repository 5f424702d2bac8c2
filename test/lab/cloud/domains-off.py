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
# Two may do this at once: the scenario, and the power controller that fences the node.
draft = f'{path}.off.{os.getpid()}'
with open(draft, 'w') as f:
    json.dump({uuid: [name, SHUTDOWN] for uuid, (name, _) in domains.items()}, f)
os.rename(draft, path)
