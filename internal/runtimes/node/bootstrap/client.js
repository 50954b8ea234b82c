// The Runtime API 2018-06-01 over one kept connection, without an HTTP library:
// there is one request at a time, and its answer always has a Content-Length.
// Who serves several invocations at once has as many of these.
//
//   GET  /runtime/invocation/next            -> 200, the event
//   POST /runtime/invocation/{id}/response   -> 202
//   POST /runtime/invocation/{id}/error      -> 202
//   POST /runtime/init/error                 -> 202
'use strict';

const net = require('net');
const { style } = require('./errors.js');
const { flushed, write } = require('./output.js');

const PREFIX = '/2018-06-01/runtime/';

// READ is how much is read at once, into memory that is kept.
const READ = 1 << 16;

class Client {
  constructor(address) {
    const colon = address.lastIndexOf(':');
    this.address = address;
    this.host = address.slice(0, colon);
    this.port = Number(address.slice(colon + 1));
    this.agent = null; // of response streams
    this.socket = null;
    this.pending = null; // the callback of the request under way
    this.chunks = [];
    this.size = 0;
    this.status = 0; // of the last answer
    this.read = { buffer: Buffer.allocUnsafe(READ), callback: (size, buffer) => this.receive(buffer.subarray(0, size)) };
  }

  // another is for one more invocation at the same time.
  another() {
    return new Client(this.address);
  }

  // next calls back with (headers, body) of the next invocation.
  next(callback) {
    this.send('GET', 'invocation/next', '', '', callback);
  }

  // post calls back when the platform has taken the JSON text. It goes out
  // behind all that the function has printed.
  post(path, body, callback, header) {
    const length = 'Content-Type: application/json\r\nContent-Length: ' + Buffer.byteLength(body) + '\r\n';
    this.pending = callback;
    flushed(() => this.send('POST', path, length + (header || ''), body, callback));
  }

  // answer posts what came of an invocation. What the platform does not take is
  // told as AWS's own client tells it.
  answer(id, path, body) {
    return new Promise((resolve) => {
      this.post(`invocation/${id}/${path}`, body, (_, refusal) => {
        if (this.status >= 300) {
          const why = style.modern ? ' ' + refusal : '';
          write(`[ERROR] [${Date.now()}] LAMBDA_RUNTIME Failed to post handler success response. Http response code: ${this.status}.${why}\n`);
        }
        resolve();
      });
    });
  }

  // send starts a request. While it is under way the connection keeps the
  // process alive; at other times it does not, so that Node.js notices when
  // the function has nothing left to do.
  send(method, path, headers, body, callback) {
    const request = `${method} ${PREFIX}${path} HTTP/1.1\r\nHost: ${this.address}\r\n${headers}\r\n${body}`;
    this.pending = callback;
    this.retry = this.socket ? request : null;
    this.connect();
    this.socket.ref();
    this.socket.write(request);
  }

  connect() {
    if (this.socket) {
      return;
    }
    const socket = net.connect({ host: this.host, port: this.port, onread: this.read });
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('close', () => this.closed(socket));
    this.socket = socket;
  }

  // closed is about a connection that the platform gave up. One that was idle
  // is opened anew; without an answer to a fresh one the platform is gone.
  closed(socket) {
    if (socket !== this.socket) {
      return;
    }
    this.socket = null;
    if (!this.pending) {
      return;
    }
    if (this.retry === null || this.size > 0) {
      process.exit(1);
    }
    const request = this.retry;
    this.retry = null;
    this.connect();
    this.socket.write(request);
  }

  // receive takes what has been read. It stays in place when it is the whole
  // answer, and is copied when it is a part: the memory is read into again.
  receive(part) {
    this.size += part.length;
    if (this.need !== undefined && this.size < this.need) {
      this.chunks.push(Buffer.from(part));
      return;
    }
    const data = this.chunks.length === 0 ? part : Buffer.concat([...this.chunks, part], this.size);
    if (this.need === undefined) {
      const end = data.indexOf('\r\n\r\n');
      if (end >= 0) {
        this.headers = parse(data.toString('utf8', 0, end));
        this.status = Number(data.toString('latin1', 9, 12)); // behind "HTTP/1.1 "
        this.start = end + 4;
        this.need = this.start + Number(this.headers['content-length'] || 0);
      }
      if (this.need === undefined || this.size < this.need) {
        this.chunks = [Buffer.from(data)];
        return;
      }
    }
    const headers = this.headers;
    const body = data.toString('utf8', this.start, this.need);
    this.chunks = [];
    this.size = 0;
    this.need = undefined;
    this.socket.unref();
    const callback = this.pending;
    this.pending = null;
    callback(headers, body);
  }
}

// parse reads the header lines after the status line; names in lower case.
function parse(text) {
  const headers = {};
  for (const line of text.split('\r\n').slice(1)) {
    const colon = line.indexOf(':');
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  return headers;
}

module.exports = { Client };
