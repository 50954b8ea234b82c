// Response streaming: the answer goes out in chunks while the handler writes,
// and an error that comes too late for another answer goes into trailers. What
// the handler writes to is a request of Node.js's own, as on AWS: back pressure,
// events and errors are what they are there. Only streaming functions pay for
// the HTTP library.
'use strict';

const http = require('http');
const net = require('net');
const { describe, named, style } = require('./errors.js');
const { flushed } = require('./output.js');

const TYPE = 'Lambda-Runtime-Function-Error-Type';
const BODY = 'Lambda-Runtime-Function-Error-Body';

// What handlers see of the request.
const METHODS = [
  'cork', 'destroy', 'end', 'uncork', 'write', 'addListener', 'emit', 'eventNames', 'getMaxListeners', 'listenerCount', 'listeners',
  'off', 'on', 'once', 'prependListener', 'prependOnceListener', 'rawListeners', 'removeAllListeners', 'removeListener',
  'setMaxListeners', 'setContentType',
];
const SHOWN = [
  'writableFinished', 'writableObjectMode', 'writableEnded', 'writableNeedDrain', 'writableHighWaterMark', 'writableCorked',
  'writableLength', 'writable', 'destroyed', '_onBeforeFirstWrite',
];
const CHANGEABLE = { classic: ['writable', 'destroyed', '_onBeforeFirstWrite'], modern: ['destroyed', '_onBeforeFirstWrite'] };

// open starts the answer to an invocation: the stream for its handler, a
// promise of the platform's answer, and how to end it with an error.
function open(client, id, options) {
  const agent = client.agent || (client.agent = new http.Agent({ keepAlive: true, maxSockets: 1 }));
  agent.createConnection = (to, listener) => net.createConnection(Object.assign({}, to, { highWaterMark: options.highWaterMark }), listener);
  let request;
  const answered = new Promise((resolve, reject) => {
    request = http.request({
      agent,
      host: client.host,
      port: client.port,
      method: 'POST',
      path: `/2018-06-01/runtime/invocation/${id}/response`,
      headers: Object.assign(
        { 'Lambda-Runtime-Function-Response-Mode': 'streaming', Trailer: [TYPE, BODY], 'Content-Type': 'application/octet-stream' },
        style.modern ? { 'Transfer-Encoding': 'chunked' } : {}),
    }, (response) => response.on('aborted', reject).on('end', resolve).resume());
    request.on('error', (error) => {
      Promise.reject(error); // nobody handles it, which ends the process
      reject(error);
      request.destroy(error);
    });
  });
  extend(request);
  // AWS's clients ask for more as soon as the error is on its way. The platform
  // might then know nothing of it yet, and hand out the same event again.
  const fail = (error) => {
    const response = describe(error);
    request.addTrailers({ [TYPE]: response.errorType, [BODY]: Buffer.from(JSON.stringify(response)).toString('base64') });
    request.end();
    return answered;
  };
  return { stream: show(request), answered, fail };
}

// extend gives the request what AWS's streams have besides.
function extend(request) {
  const write = request.write.bind(request);
  const end = request.end.bind(request);
  let written = false;
  request.setContentType = (type) => {
    if (written) {
      throw named('InvalidStreamingOperation', 'Cannot set content-type, too late.');
    }
    request.setHeader('Content-Type', type);
  };
  request.write = (chunk, encoding, callback) => {
    void chunk.length; // there is no such thing as nothing
    const raw = typeof chunk === 'string' || (style.modern ? chunk instanceof Uint8Array : Buffer.isBuffer(chunk) || chunk.constructor === Uint8Array);
    const data = raw ? chunk : JSON.stringify(chunk);
    if (!written && typeof request._onBeforeFirstWrite === 'function') {
      request._onBeforeFirstWrite((before) => write(before));
    }
    const more = write(data, encoding, callback);
    written = true;
    return more;
  };
  // The answer is complete only behind all that was printed.
  request.end = (...rest) => flushed(() => end(...(style.modern ? rest : rest.slice(0, 1))));
}

function show(request) {
  const stream = {};
  for (const name of METHODS) {
    stream[name] = request[name].bind(request);
  }
  const changeable = CHANGEABLE[style.modern ? 'modern' : 'classic'];
  for (const name of SHOWN) {
    const set = changeable.includes(name) ? (value) => (request[name] = value) : undefined;
    Object.defineProperty(stream, name, { get: () => request[name], set });
  }
  return stream;
}

module.exports = { open };
