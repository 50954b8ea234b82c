// Response streaming: the answer goes out in chunks while the handler writes,
// and an error that comes too late for another answer goes into trailers.
'use strict';

const { Writable } = require('stream');
const { describe, log, named } = require('./errors.js');
const { flushed } = require('./output.js');

// serve runs a streaming handler and resolves when the platform has its answer.
async function serve(client, id, options, run) {
  const answer = new Answer(client, id);
  const stream = makeStream(answer, options);
  try {
    const result = run(stream);
    if (!result || typeof result.then !== 'function') {
      throw new Error('Streaming does not support non-async handlers.');
    }
    if ((await result) !== undefined) {
      console.warn('Streaming handlers ignore return values.');
    }
    await answer.done;
  } catch (error) {
    log('Invoke Error', error);
    answer.fail(error);
    await answer.done;
  }
}

// Answer is the request that carries the stream, in HTTP's chunked encoding.
class Answer {
  constructor(client, id) {
    this.client = client;
    this.path = `invocation/${id}/response`;
    this.contentType = 'application/octet-stream';
    this.started = false;
    this.ended = false;
    this.done = new Promise((resolve) => {
      this.resolve = resolve;
    });
  }

  start() {
    if (this.started) {
      return;
    }
    this.started = true;
    this.client.send('POST', this.path,
      `Content-Type: ${this.contentType}\r\n` +
      'Lambda-Runtime-Function-Response-Mode: streaming\r\n' +
      'Transfer-Encoding: chunked\r\n' +
      'Trailer: Lambda-Runtime-Function-Error-Type\r\n' +
      'Trailer: Lambda-Runtime-Function-Error-Body\r\n', '', () => this.resolve());
    this.client.retry = null; // what was streamed is not kept
  }

  // write sends a chunk and calls back when the connection takes more.
  write(data, callback) {
    this.start();
    const socket = this.client.socket;
    if (data.length === 0 || !socket) {
      callback();
      return;
    }
    socket.cork();
    socket.write(data.length.toString(16) + '\r\n');
    socket.write(data);
    socket.write('\r\n', callback);
    socket.uncork();
  }

  end(trailers) {
    if (this.ended) {
      return;
    }
    this.start();
    this.ended = true;
    flushed(() => this.finish(trailers));
  }

  finish(trailers) {
    if (this.client.socket) {
      this.client.socket.write(`0\r\n${trailers || ''}\r\n`);
    }
  }

  fail(error) {
    const response = describe(error);
    const type = String(response.errorType).replace(/[^\x20-\x7e]/g, '?');
    const body = Buffer.from(JSON.stringify(response)).toString('base64');
    this.end(`Lambda-Runtime-Function-Error-Type: ${type}\r\nLambda-Runtime-Function-Error-Body: ${body}\r\n`);
  }
}

// makeStream is what the handler writes to.
function makeStream(answer, options) {
  const stream = new Writable({
    highWaterMark: options.highWaterMark,
    decodeStrings: true,
    write: (chunk, _, callback) => answer.write(chunk, callback),
    final(callback) {
      answer.end();
      answer.done.then(() => callback());
    },
  });
  let written = false;
  const write = stream.write.bind(stream);
  stream.setContentType = (type) => {
    if (written) {
      throw named('InvalidStreamingOperation', 'Cannot set content-type, too late.');
    }
    answer.contentType = String(type);
  };
  const first = () => {
    if (!written) {
      written = true;
      if (typeof stream._onBeforeFirstWrite === 'function') {
        stream._onBeforeFirstWrite((chunk) => write(chunk));
      }
    }
  };
  stream.write = (chunk, ...rest) => {
    const raw = typeof chunk === 'string' || chunk instanceof Uint8Array;
    first();
    return write(raw ? chunk : JSON.stringify(chunk), ...rest);
  };
  // The last chunk may come with the end; it goes the same way as the others.
  const end = stream.end.bind(stream);
  stream.end = (chunk, ...rest) => {
    if (chunk !== undefined && chunk !== null && typeof chunk !== 'function') {
      stream.write(chunk);
      return end(...rest.filter((value) => typeof value === 'function'));
    }
    return end(...[chunk, ...rest].filter((value) => typeof value === 'function'));
  };
  return stream;
}

module.exports = { serve };
