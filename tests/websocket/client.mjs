// npm's ws as a client: everything it sends has to come back, and everything it closes with.
// `node client.mjs URL on|off STATUS`, where STATUS is what a socket is answered with at an address that speaks none.
import WebSocket from 'ws';

const [, , base, deflate, elsewhere] = process.argv;
const options = { perMessageDeflate: deflate === 'on' ? { threshold: 0 } : false, maxPayload: 64 << 20 };
let failed = 0;

const within = (promise, what, ms = 15000) =>
  Promise.race([promise, new Promise((_, no) => setTimeout(() => no(new Error(`${what}: nothing for ${ms} ms`)), ms).unref())]);
const open = (path, protocols = [], more = {}) =>
  within(new Promise((yes, no) => {
    const ws = new WebSocket(base + path, protocols, { ...options, ...more });
    ws.inbox = [];
    ws.on('message', (data, binary) => { ws.inbox.push({ data, binary }); ws.wake?.(); });
    ws.on('close', (code, reason) => { ws.closedWith = `${code} ${reason}`.trim(); ws.wake?.(); });
    ws.on('unexpected-response', (_, response) => no(new Error(`answered ${response.statusCode}`)));
    ws.on('error', no);
    ws.on('open', () => yes(ws));
  }), 'open');
const until = async (ws, has) => { while (!has()) await within(new Promise((yes) => { ws.wake = yes; }), 'wait'); };
const next = async (ws) => {
  await until(ws, () => ws.inbox.length || ws.closedWith !== undefined);
  if (!ws.inbox.length) throw new Error(`closed with ${ws.closedWith}`);
  return ws.inbox.shift();
};
const closed = async (ws) => { await until(ws, () => ws.closedWith !== undefined); return ws.closedWith; };
const same = (a, b, what) => { if (a !== b) throw new Error(`${what}: ${a}, not ${b}`); };
const bytes = (n) => { const all = Buffer.alloc(n); for (let i = 0; i < n; i++) all[i] = (i * i) >> 3; return all; };

const check = async (name, does) => {
  try {
    await does();
    console.log(`ok   ${name}`);
  } catch (error) {
    failed++;
    console.log(`FAIL ${name}: ${error.message}`);
  }
};

const sizes = [0, 1, 2, 124, 125, 126, 127, 255, 256, 16383, 16384, 65534, 65535, 65536, 65537, 131072, 262144, 1048575, 1048576];

await check('compression is agreed on as it was asked', async () => {
  const ws = await open('/echo');
  same(ws.extensions, deflate === 'on' ? 'permessage-deflate' : '', 'extensions');
  ws.close();
  await closed(ws);
});
for (const size of sizes)
  await check(`echo of ${size} bytes`, async () => {
    const ws = await open('/echo');
    const sent = bytes(size), text = 'ü'.repeat(size / 2) + (size % 2 ? 'x' : '');
    ws.send(sent);
    let got = await next(ws);
    same(got.binary && Buffer.compare(got.data, sent), 0, 'bytes');
    ws.send(text);
    got = await next(ws);
    same(!got.binary && got.data.toString() === text, true, 'text');
    ws.close(1000);
    same(await closed(ws), '1000', 'code');
  });
await check('fragments, with pings between them', async () => {
  const ws = await open('/echo');
  const pongs = [];
  ws.on('pong', (data) => { pongs.push(data.toString()); ws.wake?.(); });
  for (let i = 0; i < 50; i++) {
    ws.send(`part ${i},`, { fin: i === 49 });
    ws.ping(`${i}`);
  }
  same((await next(ws)).data.toString().split(',').length, 51, 'parts');
  await until(ws, () => pongs.length === 50);
  same(pongs[49], '49', 'the last pong');
  ws.close();
  await closed(ws);
});
await check('a thousand messages in order', async () => {
  const ws = await open('/echo');
  for (let i = 0; i < 1000; i++) ws.send(`message ${i}`.repeat(1 + (i % 40)));
  for (let i = 0; i < 1000; i++) same((await next(ws)).data.toString().startsWith(`message ${i}`), true, `number ${i}`);
  ws.close();
  await closed(ws);
});
await check('a message of three megabytes of the server', async () => {
  const ws = await open('/obey/me');
  ws.send('send 3000000');
  same((await next(ws)).data.length, 3000000, 'bytes');
  ws.close();
  await closed(ws);
});
await check('one byte more than the limit is 1009', async () => {
  const ws = await open('/echo');
  ws.send(bytes(1048577));
  same((await closed(ws)).slice(0, 4), '1009', 'code');
});
await check('a bomb is 1009', async () => {
  const ws = await open('/echo');
  ws.send(Buffer.alloc(20 << 20));
  same((await closed(ws)).slice(0, 4), '1009', 'code');
});
for (const code of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999])
  await check(`the client closes with ${code}`, async () => {
    const ws = await open('/obey/me');
    ws.close(code, 'because');
    same(await closed(ws), `${code}`, 'code');
    const after = await open('/obey/me');
    after.send('last');
    same((await next(after)).data.toString(), `${code}`, 'what the handler saw');
    after.close();
    await closed(after);
  });
for (const [code, reason] of [[1000, ''], [1001, 'going'], [1013, 'later'], [4321, 'é'.repeat(61)]])
  await check(`the server closes with ${code}`, async () => {
    const ws = await open('/obey/me');
    ws.send(`close ${code} ${reason}`);
    same(await closed(ws), `${code} ${reason}`.trim(), 'code');
  });
for (const [told, code] of [['end', '1000'], ['raise', '1011'], ['close 1005', '1011'], ['close 999', '1011'], ['close 1015', '1011']])
  await check(`a handler that is told "${told}" closes with ${code}`, async () => {
    const ws = await open('/obey/me');
    ws.send(told);
    same(await closed(ws), code, 'code');
  });
await check('subprotocols, path and actor', async () => {
  const ws = await open('/obey/Maria?as=user:7', ['other', 'obey.v1', 'obey.v2']);
  same(ws.protocol, 'obey.v1', 'protocol');
  ws.send('who');
  same((await next(ws)).data.toString(), 'Maria obey.v1 user:7', 'who');
  ws.close();
  await closed(ws);
});
for (const [path, status, more] of [['/known/x', 401], ['/known/x?as=nobody', 401], ['/nowhere', 404], ['/', Number(elsewhere)],
  ['/echo', 403, { origin: 'https://evil.example' }], ['/echo', 426, { protocolVersion: 8 }]])
  await check(`${path} is answered with ${status}`, async () => {
    const said = await open(path, [], more).then(() => 'opened', (error) => error.message);
    same(said, `answered ${status}`, 'answer');
  });
await check('who is known is let in, and any origin where that is allowed', async () => {
  for (const [path, more] of [['/known/x?as=me', {}], ['/anywhere', { origin: 'https://evil.example' }],
    ['/echo', { origin: base.replace('ws', 'http') }]]) {
    const ws = await open(path, [], more);
    ws.close();
    same((await closed(ws)), '1005', path);
  }
});
await check('two hundred sockets at once', async () => {
  const all = await Promise.all(Array.from({ length: 200 }, () => open('/echo')));
  all.forEach((ws, i) => ws.send(`socket ${i}`));
  for (const [i, ws] of all.entries()) same((await next(ws)).data.toString(), `socket ${i}`, `${i}`);
  all.forEach((ws) => ws.close(1000));
  for (const ws of all) same(await closed(ws), '1000', 'code');
});
await check('a flood waits for who does not read, and ends with the socket', async () => {
  const ws = await open('/flood');
  ws.pause();
  await new Promise((yes) => setTimeout(yes, 300));
  ws.resume();
  for (let i = 0; i < 200; i++) await next(ws);
  ws.close(1000);
  await closed(ws);
});
process.exit(failed ? 1 : 0);
