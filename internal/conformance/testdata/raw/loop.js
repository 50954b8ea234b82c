// The Runtime API over a socket, and nothing else: each event is its own answer.
'use strict';
const net = require('net');

const api = process.env.AWS_LAMBDA_RUNTIME_API;
const [host, port] = api.split(':');
const socket = net.connect(Number(port), host);
socket.setNoDelay(true);
const next = `GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: ${api}\r\n\r\n`;
let data = '';
let posted = false;
socket.on('data', (chunk) => {
  data += chunk.toString('latin1');
  const end = data.indexOf('\r\n\r\n');
  if (end < 0) return;
  const head = data.slice(0, end);
  const length = Number(/content-length: (\d+)/i.exec(head)[1]);
  if (data.length < end + 4 + length) return;
  const body = data.slice(end + 4, end + 4 + length);
  data = '';
  posted = !posted;
  if (!posted) {
    socket.write(next);
    return;
  }
  const id = /lambda-runtime-aws-request-id: (.*)/i.exec(head)[1];
  socket.write(`POST /2018-06-01/runtime/invocation/${id}/response HTTP/1.1\r\nHost: ${api}\r\nContent-Length: ${length}\r\n\r\n${body}`);
});
socket.write(next);
