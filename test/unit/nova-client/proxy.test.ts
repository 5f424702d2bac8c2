import { describe, expect, it } from 'vitest';
import { isExempt, proxyFor } from '../../../lib/nova-client/src/proxy.ts';

describe('the proxy of a request', () => {
  const http = new URL('http://nova.example.org:8774/');
  const https = new URL('https://nova.example.org:8774/');

  it.each([
    [http, {}, null],
    [http, { http_proxy: 'http://p:3128' }, 'http://p:3128'],
    [http, { HTTP_PROXY: 'http://p:3128' }, 'http://p:3128'],
    [http, { http_proxy: 'p:3128' }, 'http://p:3128'],
    [http, { http_proxy: 'http://low:1', HTTP_PROXY: 'http://up:1' }, 'http://low:1'],
    [http, { https_proxy: 'http://p:3128' }, null],
    [https, { http_proxy: 'http://p:3128' }, null],
    [https, { HTTPS_PROXY: 'http://p:3128' }, 'http://p:3128'],
    [https, { all_proxy: 'http://p:3128' }, 'http://p:3128'],
    [http, { http_proxy: 'http://p:3128', no_proxy: 'example.org' }, null],
    [http, { http_proxy: 'http://p:3128', NO_PROXY: 'other.org, nova.example.org' }, null],
    [http, { http_proxy: '', HTTP_PROXY: 'http://p:3128' }, 'http://p:3128'],
  ])('%s with %j goes through %s', (url, env, proxy) => {
    expect(proxyFor(url, env)).toBe(proxy);
  });

  it('that is none is refused before anything is sent, without repeating it', () => {
    const env = { http_proxy: 'socks5://user:hunter22@p:1080' };
    expect(() => proxyFor(http, env)).toThrow(/http_proxy is not the address of an HTTP proxy$/);
  });
});

describe('NO_PROXY', () => {
  it.each([
    ['*', 'http://anything/', true],
    ['localhost,127.0.0.1', 'http://127.0.0.1:5000/', true],
    ['example.org', 'http://example.org/', true],
    ['example.org', 'http://a.b.example.org/', true],
    ['.example.org', 'http://a.example.org/', true],
    ['*.example.org', 'http://a.example.org/', true],
    ['example.org', 'http://badexample.org/', false],
    ['EXAMPLE.org', 'http://Nova.example.ORG/', true],
    ['nova.example.org:8774', 'http://nova.example.org:8774/', true],
    ['nova.example.org:8774', 'http://nova.example.org:5000/', false],
    ['nova.example.org:443', 'https://nova.example.org/', true],
    ['10.0.0.0/24', 'http://10.0.0.77:8774/', true],
    ['10.0.0.0/24', 'http://10.0.1.77:8774/', false],
    ['10.0.0.0/99', 'http://10.0.0.77:8774/', false],
    ['fd00:1::/64', 'http://[fd00:1::5]:8774/', true],
    ['fd00:1::/64', 'http://[fd00:2::5]:8774/', false],
    ['fd00:1::5', 'http://[fd00:1::5]:8774/', true],
    ['[fd00:1::5]', 'http://[fd00:1::5]:8774/', true],
    ['[fd00:1::5]:5000', 'http://[fd00:1::5]:8774/', false],
    ['0.0.1', 'http://10.0.0.1/', false],
    ['10.0.0.1 10.0.0.2', 'http://10.0.0.2/', true],
    ['', 'http://example.org/', false],
    [',,', 'http://example.org/', false],
  ])('%j exempts %s: %s', (noProxy, url, exempt) => {
    expect(isExempt(new URL(url), noProxy)).toBe(exempt);
  });
});
