#!/usr/bin/python3
"""nova-manage without its Debian package, which asks questions: nova-manage.py ARGS"""
import sys

from nova.cmd import manage

sys.argv[0] = 'nova-manage'
sys.exit(manage.main())
