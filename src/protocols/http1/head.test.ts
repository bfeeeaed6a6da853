import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestHead } from './head.ts';

const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'));
const head = 'GET /users/1 HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n';

test('the place for a header is just after the request line', () => {
  assert.deepEqual(requestHead(bytes(head)), { end: head.length, traceparent: false, signed: false });
  assert.deepEqual(requestHead(bytes(`${head}body\r\n\r\n`))?.end, head.length);
});

test('a traceparent that is there already is seen, whatever its case', () => {
  for (const name of ['traceparent', 'Traceparent', 'TRACEPARENT'])
    assert.equal(requestHead(bytes(head.replace('Accept', name)))?.traceparent, true);
  for (const name of ['traceparents', 'x-traceparent', 'tracestate'])
    assert.equal(requestHead(bytes(head.replace('Accept', name)))?.traceparent, false);
  assert.equal(requestHead(bytes(`${head}traceparent: in the body\r\n\r\n`))?.traceparent, false);
});

test('headers that are signed are seen', () => {
  const signed = (line: string) => requestHead(bytes(head.replace('Accept: */*', line)))?.signed;
  for (const line of [
    'Signature: sig1=:abc:',
    'signature-input: sig1=("@method")',
    'X-Amz-Date: 20261124T000000Z',
    'x-amz-content-sha256:abc',
    'Authorization: AWS4-HMAC-SHA256 Credential=a',
    'authorization:\tSharedKey a:b',
  ])
    assert.equal(signed(line), true, line);
  for (const line of ['Authorization: Bearer aws', 'signatures: a', 'x-amz-id: 1', 'authorization:'])
    assert.equal(signed(line), false, line);
});

test('no cut head is proven', () => {
  for (let length = 0; length < head.length; length++)
    assert.equal(requestHead(bytes(head.slice(0, length))), undefined);
});

test('what is not surely an HTTP/1.1 request is left alone', () => {
  for (const text of [
    head.replace('HTTP/1.1', 'HTTP/1.0'),
    head.replace('HTTP/1.1', 'HTTP/2.0'),
    head.replaceAll('\r\n', '\n'),
    head.replace('Host: a', 'Host a'),
    head.replace('Accept', ' folded'),
    head.replace('GET', 'get'),
    head.replace('/users/1', ''),
    head.replace('/users/1', '/a b'),
    head.replace('GET', 'CONNECT'),
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    '{"GET / HTTP/1.1":1}\r\n\r\n',
    `x${head}`.replace('xGET', 'x GET'),
    '\r\n'.repeat(20),
  ])
    assert.equal(requestHead(bytes(text)), undefined, text);
});
