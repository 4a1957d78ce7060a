// From WebSockets over HTTP/1.1 to streams of one HTTP/2 connection (RFC 8441), byte by byte, so that a client that knows only the
// former speaks the latter: `node bridge.mjs http://127.0.0.1:PORT`, which says its own port. A FIN becomes END_STREAM and a reset
// RST_STREAM with CANCEL, both ways. Answers are given back as HTTP/1.1's.
import http from 'node:http';
import http2 from 'node:http2';
import crypto from 'node:crypto';
import net from 'node:net';

const [, , base] = process.argv;
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const OF_CONNECTION = ['host', 'connection', 'upgrade', 'sec-websocket-key', 'content-length', 'transfer-encoding'];

const SOCKETS_MAX = 100; // of one connection

// The connection that has room, opened anew where none has or it was told to go.
let current = null;
const connect = () => new Promise((yes, no) => {
  const session = http2.connect(base, { settings: { initialWindowSize: 1 << 20 } });
  session.sockets = 0;
  session.on('error', no);
  session.on('goaway', () => { if (current === session) current = null; });
  session.once('remoteSettings', (settings) => {
    session.setLocalWindowSize(16 << 20);
    if (settings.enableConnectProtocol) yes(session);
    else no(new Error('the server offers no extended CONNECT'));
  });
});
let turn = Promise.resolve();
const session = () => (turn = turn.then(async () => {
  if (!current || current.closed || current.destroyed || current.sockets >= SOCKETS_MAX) current = await connect();
  current.sockets++;
  return current;
}));

function fieldsOf(head) {
  const [line, ...lines] = head.split('\r\n');
  const fields = { ':method': 'CONNECT', ':protocol': 'websocket', ':scheme': 'http', ':path': line.split(' ')[1] };
  let key = '';
  for (const text of lines) {
    const colon = text.indexOf(':'), name = text.slice(0, colon).toLowerCase(), value = text.slice(colon + 1).trim();
    if (name === 'host') fields[':authority'] = value;
    if (name === 'sec-websocket-key') key = value;
    if (!OF_CONNECTION.includes(name)) fields[name] = value;
  }
  return { fields, key };
}

function answer(headers, key) {
  const opened = headers[':status'] === 200;
  const lines = [`HTTP/1.1 ${opened ? 101 : headers[':status']} ${http.STATUS_CODES[headers[':status']]}`];
  for (const [name, value] of Object.entries(headers)) if (!name.startsWith(':')) lines.push(`${name}: ${value}`);
  if (opened)
    lines.push('Upgrade: websocket', 'Connection: Upgrade',
      'Sec-WebSocket-Accept: ' + crypto.createHash('sha1').update(key + GUID).digest('base64'));
  // npm's ws and raw.py compare names as HTTP/1.1 writes them
  return lines.map((line) => line.replace(/^sec-websocket-extensions/, 'Sec-WebSocket-Extensions')).join('\r\n') + '\r\n\r\n';
}

async function carry(client, head, rest) {
  const { fields, key } = fieldsOf(head);
  const connection = await session();
  const stream = connection.request(fields, { endStream: false });
  stream.on('response', (headers) => {
    client.write(answer(headers, key));
    stream.pipe(client);
    client.pipe(stream);
  });
  if (rest.length) stream.write(rest);
  let reset = false;
  const gone = () => { if (!reset && !stream.closed) stream.close(http2.constants.NGHTTP2_CANCEL); reset = true; };
  client.on('error', gone);
  client.on('close', (failed) => failed && gone());
  stream.on('error', () => client.resetAndDestroy());
  stream.on('close', () => {
    connection.sockets--;
    if (stream.rstCode && stream.rstCode !== http2.constants.NGHTTP2_NO_ERROR) client.resetAndDestroy();
    else if (!client.destroyed) client.unpipe(stream).resume().end(); // what it still says is for nobody
  });
}

const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
  let head = Buffer.alloc(0);
  client.on('data', function gather(bytes) {
    head = Buffer.concat([head, bytes]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    client.off('data', gather);
    client.pause();
    carry(client, head.subarray(0, end).toString('latin1'), head.subarray(end + 4));
  });
  client.on('error', () => {});
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
