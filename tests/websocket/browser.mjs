// A page in Chromium and what it asks of its server over HTTP/2: `node browser.mjs CHROMIUM https://localhost:PORT http://127.0.0.1:PORT`.
// Prints "ok   NAME" or "FAIL NAME: why".
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(join(process.cwd(), 'package.json'));
const { chromium } = require('playwright-core');
const [, , executablePath, secure, plain] = process.argv;

const same = (a, b, what) => { if (a !== b) throw new Error(`${what}: ${a}, not ${b}`); };

// In the page: what it sends comes back, and is told with the codes of the end.
const talk = async (path, messages) => {
  const ws = new WebSocket(location.origin.replace('http', 'ws') + path);
  ws.binaryType = 'arraybuffer';
  const next = () => new Promise((yes, no) => { ws.onmessage = yes; ws.onerror = () => no(new Error('it does not open')); ws.onclose = (e) => no(new Error(`closed with ${e.code}`)); });
  await new Promise((yes, no) => { ws.onopen = yes; ws.onerror = () => no(new Error('it does not open')); });
  const heard = [];
  for (const message of messages) {
    const sent = typeof message === 'string' ? message : new Uint8Array(message.bytes).map((_, i) => i * i);
    const coming = next();
    ws.send(sent);
    const { data } = await coming;
    heard.push(typeof data === 'string' ? data === sent || data : new Uint8Array(data).every((byte, i) => byte === sent[i]) && data.byteLength === sent.length);
  }
  const closed = new Promise((yes) => { ws.onclose = (event) => yes(event.code); });
  ws.close(4321, 'enough');
  return { heard, extensions: ws.extensions, code: await closed };
};

const messages = ['hello', '\u00fc'.repeat(40000), 'again '.repeat(100), { bytes: 0 }, { bytes: 70000 }, { bytes: 1000000 }];

const checks = {
  'the page comes over HTTP/2': async (page) => {
    same(await page.evaluate(() => performance.getEntriesByType('navigation')[0].nextHopProtocol), 'h2', 'protocol');
  },
  'JSON, one and forty at once': async (page) => {
    const fetched = await page.evaluate(async () => {
      const one = async (n) => (await (await fetch(`/facts/${n}`)).json()).square === n * n;
      return [await one(3), ...(await Promise.all(Array.from({ length: 40 }, (_, n) => one(n))))];
    });
    same(fetched.length === 41 && fetched.every(Boolean), true, 'squares');
    same(await page.evaluate(() => performance.getEntriesByType('resource').every((entry) => entry.nextHopProtocol === 'h2')), true, 'protocol');
  },
  'an upload of five megabytes': async (page) => {
    const told = await page.evaluate(async () => (await fetch('/add-up', { method: 'POST', body: new Uint8Array(5 << 20).fill(1) })).json());
    same(told.bytes, 5 << 20, 'bytes');
    same(told.sum, 5 << 20, 'sum');
  },
  'events, and again after the last': async (page) => {
    const got = await page.evaluate(() => new Promise((yes) => {
      const source = new EventSource('/numbers'), heard = [];
      const hear = (event) => { heard.push(event.lastEventId); if (heard.length === 6) { source.close(); yes(heard.join()); } };
      source.onmessage = hear;
      source.addEventListener('odd', hear);
    }));
    same(got, '1,2,3,4,5,6', 'their numbers');
  },
  'a WebSocket, text, binary and compressed': async (page) => {
    const { heard, extensions, code } = await page.evaluate((sent) => window.talk('/echo', sent), messages);
    same(heard.every((it) => it === true), true, `echoes ${heard.map((it) => it === true)}`);
    same(extensions.startsWith('permessage-deflate'), true, 'compression');
    same(code, 4321, 'code');
  },
  'a WebSocket with a subprotocol, closed by the server': async (page) => {
    const told = await page.evaluate(() => new Promise((yes, no) => {
      const ws = new WebSocket(location.origin.replace('http', 'ws') + '/obey/me', ['other', 'obey.v1']);
      ws.onopen = () => ws.send('close 4001 because');
      ws.onclose = (event) => yes(`${ws.protocol} ${event.code} ${event.reason} ${event.wasClean}`);
      ws.onerror = () => no(new Error('it does not open'));
    }));
    same(told, 'obey.v1 4001 because true', 'the end');
  },
  'twenty WebSockets at once, beside requests': async (page) => {
    const all = await page.evaluate(async () => {
      const talks = Array.from({ length: 20 }, () => window.talk('/echo', ['one', 'two']));
      const facts = Array.from({ length: 20 }, (_, n) => fetch(`/facts/${n}`).then((answer) => answer.ok));
      return [...(await Promise.all(talks)).map(({ code }) => code === 4321), ...(await Promise.all(facts))];
    });
    same(all.length === 40 && all.every(Boolean), true, 'all of them');
  },
  'one that is refused does not open': async (page) => {
    for (const path of ['/known/me', '/nowhere', '/facts/1'])
      same(await page.evaluate((at) => window.talk(at, []).then(() => 'open', (error) => error.message), path), 'it does not open', path);
  },
};

const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--ignore-certificate-errors'] });
let failed = 0;
const run = async (name, check, page) => {
  try {
    await check(page);
    console.log(`ok   ${name}`);
  } catch (error) {
    failed++;
    console.log(`FAIL ${name}: ${error.message}`);
  }
};
const context = await browser.newContext();
await context.addInitScript(`window.talk = ${talk}`);
const page = await context.newPage();
await page.goto(`${secure}/page`);
for (const [name, check] of Object.entries(checks)) await run(name, check, page);
const other = await context.newPage();
await other.goto(`${plain}/page`);
await run('without TLS all is HTTP/1.1', async () => {
  same(await other.evaluate(() => performance.getEntriesByType('navigation')[0].nextHopProtocol), 'http/1.1', 'protocol');
  const { heard, code } = await other.evaluate((sent) => window.talk('/echo', sent), messages);
  same(heard.every((it) => it === true), true, 'echoes');
  same(code, 4321, 'code');
}, other);
await browser.close();
process.exit(failed ? 1 : 0);
