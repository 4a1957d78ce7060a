// WebSockets over HTTP/2 with Node's own client (RFC 8441): `node streams.mjs http://127.0.0.1:PORT`.
import http2 from 'node:http2';

const [, , base] = process.argv;
const authority = base.replace('http://', '');
const opened = [];
let failed = 0;

const within = (promise, what, ms = 15000) =>
  Promise.race([promise, new Promise((_, no) => setTimeout(() => no(new Error(`${what}: nothing for ${ms} ms`)), ms).unref())]);
const same = (a, b, what) => { if (a !== b) throw new Error(`${what}: ${a}, not ${b}`); };
const sleep = (ms) => new Promise((yes) => setTimeout(yes, ms));
const check = async (name, does) => {
  try {
    await does();
    console.log(`ok   ${name}`);
  } catch (error) {
    failed++;
    console.log(`FAIL ${name}: ${error.message}`);
  }
  opened.splice(0).forEach((session) => session.destroy());
};

const connect = (settings = {}) => within(new Promise((yes, no) => {
  const session = http2.connect(base, { settings });
  opened.push(session);
  session.on('error', no);
  session.once('remoteSettings', () => yes(session));
}), 'connect');

// Frames, masked with zeros.
const frame = (first, payload = '') => {
  const bytes = Buffer.from(payload), head = [first, 0x80 | (bytes.length < 126 ? bytes.length : 126)];
  if (bytes.length >= 126) head.push(bytes.length >> 8, bytes.length & 255);
  return Buffer.concat([Buffer.from([...head, 0, 0, 0, 0]), bytes]);
};
const TEXT = 0x81, CLOSE = 0x88;

// A stream, its answer, and what came of it.
const ask = (session, path, more = {}, options = { endStream: false }) => {
  const stream = session.request({ ':method': 'CONNECT', ':protocol': 'websocket', ':scheme': 'http', ':authority': authority, ':path': path,
    'sec-websocket-version': '13', ...more }, options);
  stream.bytes = Buffer.alloc(0);
  stream.on('error', () => {});
  stream.on('data', (bytes) => { stream.bytes = Buffer.concat([stream.bytes, bytes]); stream.wake?.(); });
  stream.on('end', () => { stream.ended = true; stream.wake?.(); });
  stream.on('close', () => { stream.gone = true; stream.wake?.(); });
  stream.answer = within(new Promise((yes) => {
    stream.on('response', yes);
    stream.on('close', () => yes({ ':status': `reset ${stream.rstCode}` }));
  }), 'answer');
  return stream;
};
const until = async (stream, has, what) => { while (!has()) await within(new Promise((yes) => { stream.wake = yes; }), what); };
const get = (session, path) => within(new Promise((yes, no) => {
  const stream = session.request({ ':path': path });
  stream.on('response', (headers) => yes(headers[':status']));
  stream.on('error', no);
  stream.resume();
}), `GET ${path}`);

await check('the server says that it takes extended CONNECT', async () => {
  const session = await connect();
  same(session.remoteSettings.enableConnectProtocol, true, 'the setting');
});
await check('the answer has what RFC 8441 says and nothing of HTTP/1', async () => {
  const session = await connect();
  const stream = ask(session, '/obey/me', { 'sec-websocket-protocol': 'x, obey.v1', 'sec-websocket-extensions': 'permessage-deflate' });
  const headers = await stream.answer;
  same(headers[':status'], 200, 'status');
  same(headers['sec-websocket-protocol'], 'obey.v1', 'subprotocol');
  same(headers['sec-websocket-extensions'].startsWith('permessage-deflate'), true, 'extensions');
  for (const name of ['upgrade', 'connection', 'sec-websocket-accept', 'content-length']) same(headers[name], undefined, name);
});
for (const [path, more, status] of [
  ['/echo', {}, 200], ['/nowhere', {}, 404], ['/', {}, 400], ['/numbers', {}, 400], ['/known/me', {}, 401], ['/known/me?as=me', {}, 200],
  ['/echo', { origin: 'https://evil.example' }, 403], ['/echo', { origin: base }, 200], ['/anywhere', { origin: 'https://evil.example' }, 200],
  ['/echo', { 'sec-websocket-version': '8' }, 426], ['/echo', { 'sec-websocket-extensions': ';' }, 400],
  ['/echo', { 'sec-websocket-protocol': ',' }, 400], ['/echo', { ':authority': 'evil.example' }, 400],
  ['/echo', { ':protocol': 'connect-udp' }, 501], ['/echo', { ':protocol': 'connect-ip' }, 501], ['/echo', { 'sec-websocket-key': 'x' }, 200]])
  await check(`${path} with ${JSON.stringify(more)} is answered with ${status}`, async () => {
    const stream = ask(await connect(), path, more);
    same((await stream.answer)[':status'], status, 'status');
    if (status !== 200) await until(stream, () => stream.gone, 'the end');
  });
await check('a hundred sockets on a connection, and requests beside them', async () => {
  const session = await connect();
  const all = Array.from({ length: 100 }, () => ask(session, '/echo'));
  for (const stream of all) same((await stream.answer)[':status'], 200, 'status');
  same((await ask(session, '/echo').answer)[':status'], 503, 'the next');
  all.forEach((stream, i) => stream.write(frame(TEXT, `socket ${i}`)));
  const statuses = await Promise.all(Array.from({ length: 60 }, () => get(session, '/')));
  same(statuses.every((status) => status === 200), true, 'requests');
  for (const [i, stream] of all.entries()) {
    await until(stream, () => stream.bytes.length === 2 + `socket ${i}`.length, 'echo');
    same(stream.bytes.subarray(2).toString(), `socket ${i}`, 'echo');
  }
  all.forEach((stream) => stream.end(frame(CLOSE, '\x03\x00')));
  for (const stream of all) await until(stream, () => stream.gone, 'the end');
  same((await ask(session, '/echo').answer)[':status'], 200, 'one afterwards');
});
await check('who does not read holds up nobody else', async () => {
  const session = await connect({ initialWindowSize: 20000 });
  const flood = ask(session, '/flood');
  flood.pause();
  await flood.answer;
  await sleep(100);
  const other = ask(session, '/echo');
  for (let i = 0; i < 50; i++) {
    other.write(frame(TEXT, 'quick'));
    await until(other, () => other.bytes.length === 7 * (i + 1), 'echo');
  }
  same(await get(session, '/'), 200, 'a request');
  flood.close(http2.constants.NGHTTP2_CANCEL);
  await until(flood, () => flood.gone, 'the end');
});
await check('a reset in the middle of a message ends the socket and no more', async () => {
  const session = await connect();
  const stream = ask(session, '/obey/me');
  await stream.answer;
  stream.write(frame(TEXT, 'who').subarray(0, 7));
  await sleep(20);
  stream.close(http2.constants.NGHTTP2_CANCEL);
  await until(stream, () => stream.gone, 'the end');
  const after = ask(session, '/obey/me');
  after.write(frame(TEXT, 'last'));
  await until(after, () => after.bytes.length === 6, 'the code');
  same(after.bytes.subarray(2).toString(), '1006', 'what the handler saw');
});
await check('an end without a close is answered with an end', async () => {
  const session = await connect();
  const stream = ask(session, '/obey/me');
  await stream.answer;
  stream.end();
  await until(stream, () => stream.gone, 'the end');
  same(stream.ended && stream.rstCode === 0, true, 'a clean end');
  const after = ask(session, '/obey/me');
  after.write(frame(TEXT, 'last'));
  await until(after, () => after.bytes.length === 6, 'the code');
  same(after.bytes.subarray(2).toString(), '1006', 'what the handler saw');
});
await check('a request that ends with its headers is a socket that is gone', async () => {
  const stream = ask(await connect(), '/echo', {}, { endStream: true });
  same((await stream.answer)[':status'], 200, 'status');
  await until(stream, () => stream.gone, 'the end');
});
process.exit(failed ? 1 : 0);
