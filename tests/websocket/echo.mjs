// npm's ws as a server, to be asked what ours is asked: `node echo.mjs`, which says its port.
import { WebSocketServer } from 'ws';

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, maxPayload: 1 << 20, perMessageDeflate: { threshold: 1 << 30 } });
server.on('listening', () => console.log(server.address().port));
server.on('connection', (ws) => {
  ws.on('error', () => {});
  ws.on('message', (data, isBinary) => ws.send(data, { binary: isBinary }));
});
