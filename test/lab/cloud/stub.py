#!/usr/bin/python3
"""stub.py ADDRESS GLANCE_PORT NEUTRON_PORT - what Nova needs of glance and neutron when no instance has a network:
two images, and empty lists. The images are in images.json beside this file."""
import json
import os
import sys
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'images.json')) as f:
    IMAGES = json.load(f)

# Nova drops every property of an image that the schema does not name.
STRINGS = ('id name status visibility owner checksum os_hash_algo os_hash_value container_format disk_format created_at '
           'updated_at self file schema direct_url').split()
IMAGE_SCHEMA = {'name': 'image', 'additionalProperties': {'type': 'string'}, 'properties': {
    **{name: {'type': 'string'} for name in STRINGS},
    **{name: {'type': 'boolean'} for name in ('protected', 'os_hidden')},
    **{name: {'type': 'integer'} for name in ('size', 'virtual_size', 'min_ram', 'min_disk')},
    **{name: {'type': 'array'} for name in ('tags', 'locations')}}}


class Stub(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *args):
        pass

    def answer(self, code, body, content_type='application/json'):
        length = int(self.headers.get('Content-Length') or 0)
        if length:
            self.rfile.read(length)
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(code)
        self.send_header('Content-Type', content_type)
        self.send_header('Content-Length', str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        url = urllib.parse.urlparse(self.path)
        self.get(url.path.rstrip('/'), urllib.parse.parse_qs(url.query))

    def do_POST(self):
        self.answer(501, {'error': 'not in the lab'})

    do_PUT = do_PATCH = do_DELETE = do_POST


class Glance(Stub):
    def get(self, path, query):
        if path in ('', '/versions'):
            link = {'rel': 'self', 'href': 'http://%s/v2/' % self.headers.get('Host')}
            return self.answer(300, {'versions': [
                {'id': 'v2.%d' % i, 'status': 'CURRENT' if i == 9 else 'SUPPORTED', 'links': [link]}
                for i in range(9, -1, -1)]})
        if path == '/v2/images':
            found = IMAGES
            for tag in query.get('tag', []):
                found = [i for i in found if tag in i['tags']]
            for name in query.get('name', []):
                found = [i for i in found if i['name'] == name]
            return self.answer(200, {'images': found, 'first': '/v2/images', 'schema': '/v2/schemas/images'})
        if path == '/v2/schemas/image':
            return self.answer(200, IMAGE_SCHEMA)
        if path.startswith('/v2/images/'):
            for image in IMAGES:
                if image['id'] == path.split('/')[3]:
                    return self.answer(200, image)
        # Glance answers 404 in HTML.
        self.answer(404, '<html><head><title>404 Not Found</title></head></html>', 'text/html; charset=UTF-8')


class Neutron(Stub):
    def get(self, path, query):
        segments = path.split('/')
        if path == '':
            link = {'rel': 'self', 'href': 'http://%s/v2.0/' % self.headers.get('Host')}
            return self.answer(200, {'versions': [{'id': 'v2.0', 'status': 'CURRENT', 'links': [link]}]})
        if segments[1] == 'v2.0' and len(segments) == 3:
            return self.answer(200, {segments[2].removesuffix('.json').replace('-', '_'): []})
        if segments[1] == 'v2.0' and len(segments) > 3 and segments[2] == 'quotas':
            return self.answer(200, {'quota': {}})
        self.answer(404, {'NeutronError': {'type': 'NotFound', 'message': path, 'detail': ''}})


threads = []
for port, service in ((int(sys.argv[2]), Glance), (int(sys.argv[3]), Neutron)):
    server = ThreadingHTTPServer((sys.argv[1], port), service)
    server.daemon_threads = True
    threads.append(threading.Thread(target=server.serve_forever))
    threads[-1].start()
for thread in threads:
    thread.join()
