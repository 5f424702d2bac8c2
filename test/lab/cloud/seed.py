#!/usr/bin/python3
"""seed.py keystone|nova - over the API, what a fresh cloud needs: service users, catalogue, a non-admin user,
flavours. Idempotent. Addresses and passwords come from the environment (see cloud/start)."""
import json
import os
import sys
import urllib.error
import urllib.request

E = os.environ
KEYSTONE, NOVA = E['KEYSTONE_URL'], E['NOVA_URL']
token = None


def request(method, url, body=None, expect=(200, 201, 204)):
    headers = {'Content-Type': 'application/json'}
    if token:
        headers['X-Auth-Token'] = token
    r = urllib.request.Request(url, method=method, headers=headers, data=None if body is None else json.dumps(body).encode())
    try:
        with urllib.request.urlopen(r, timeout=60) as f:
            data = f.read()
            status, answer, answer_headers = f.status, json.loads(data) if data else None, f.headers
    except urllib.error.HTTPError as e:
        status, answer, answer_headers = e.code, e.read().decode(), e.headers
    if status not in expect:
        sys.exit('seed: %s %s: %s %s' % (method, url, status, answer))
    return answer, answer_headers


_, answer_headers = request('POST', KEYSTONE + '/auth/tokens', {'auth': {
    'identity': {'methods': ['password'], 'password': {'user': {
        'name': 'admin', 'domain': {'id': 'default'}, 'password': E['ADMIN_PASSWORD']}}},
    'scope': {'project': {'name': 'admin', 'domain': {'id': 'default'}}}}})
token = answer_headers['X-Subject-Token']


def find(kind, name):
    found = request('GET', '%s/%ss?name=%s' % (KEYSTONE, kind, name))[0][kind + 's']
    return found[0]['id'] if found else None


def ensure(kind, name, **fields):
    return find(kind, name) or request('POST', '%s/%ss' % (KEYSTONE, kind), {kind: dict(name=name, **fields)})[0][kind]['id']


def grant(project, user, role):
    request('PUT', '%s/projects/%s/users/%s/roles/%s' % (KEYSTONE, project, user, role))


if sys.argv[1] == 'keystone':
    service = ensure('project', 'service', domain_id='default')
    for name in ('nova', 'placement'):
        user = ensure('user', name, domain_id='default', password=E['SERVICE_PASSWORD'], default_project_id=service)
        for role in (find('role', 'admin'), ensure('role', 'service')):
            grant(service, user, role)
    demo = ensure('project', 'demo', domain_id='default')
    user = ensure('user', 'demo', domain_id='default', password=E['DEMO_PASSWORD'], default_project_id=demo)
    grant(demo, user, find('role', 'member'))
    for kind, name, url in (('compute', 'nova', NOVA), ('placement', 'placement', E['PLACEMENT_URL']),
                            ('image', 'glance', E['GLANCE_URL']), ('network', 'neutron', E['NEUTRON_URL'])):
        if request('GET', '%s/services?type=%s' % (KEYSTONE, kind))[0]['services']:
            continue
        made = request('POST', KEYSTONE + '/services', {'service': {'type': kind, 'name': name}})[0]['service']['id']
        # A second region, whose Nova is the first one's behind a proxy (driver/proxy.ts).
        for region, address in (('RegionOne', url), ('RegionProxy', E['PROXY_URL'] if kind == 'compute' else url)):
            for interface in ('public', 'internal', 'admin'):
                request('POST', KEYSTONE + '/endpoints', {'endpoint': {
                    'interface': interface, 'url': address, 'service_id': made, 'region': region}})
else:
    have = {f['name'] for f in request('GET', NOVA + '/flavors')[0]['flavors']}
    for flavor, name, extra_specs in (('1', 'm1.tiny', {}), ('2', 'm1.evacuable', {'evacuable': 'true'})):
        if name in have:
            continue
        request('POST', NOVA + '/flavors', {'flavor': {'id': flavor, 'name': name, 'ram': 128, 'vcpus': 1, 'disk': 1}})
        if extra_specs:
            request('POST', NOVA + '/flavors/%s/os-extra_specs' % flavor, {'extra_specs': extra_specs})
