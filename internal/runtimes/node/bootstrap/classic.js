// Handlers as AWS's runtimes treat them up to Node.js 22: callbacks beside
// promises, and an answer that waits until the event loop is empty.
'use strict';

const { describe, log, named } = require('./errors.js');
const { load, streaming } = require('./loader.js');
const invocation = require('./invocation.js');

// AWS's exit statuses for the two ways to fail outside of a handler.
const REJECTED = 128;
const UNCAUGHT = 129;

// whenEmpty runs when the event loop has nothing left to do.
let whenEmpty = () => {};
// crashed posts an error that nobody caught, then ends the process.
let crashed;
// ending is set when that has begun: nothing else is said any more.
let ending = false;

function start(client, root, handler) {
  crashed = (error, status) => {
    const response = describe(error);
    const type = `Lambda-Runtime-Function-Error-Type: ${headerText(response.errorType)}\r\n`;
    client.post('init/error', JSON.stringify(response), () => process.exit(status), type);
  };
  process.on('uncaughtException', uncaught);
  process.on('unhandledRejection', (reason, promise) => {
    const error = Object.assign(named('UnhandledPromiseRejection', String(reason)), { reason, promise });
    error.stack = reason instanceof Error ? `${error.name}: ${reason.stack}` : error.stack;
    log('Unhandled Promise Rejection', error);
    end(error, REJECTED);
  });
  process.on('beforeExit', () => whenEmpty());
  load(root, handler, false).then((fn) => {
    const runtime = new Runtime(client, fn, streaming(fn));
    runtime.next();
  }).catch(uncaught);
}

function uncaught(error) {
  log('Uncaught Exception', error);
  end(error, UNCAUGHT);
}

function end(error, status) {
  if (!ending) {
    ending = true;
    crashed(error, status);
  }
}

function headerText(text) {
  return String(text).replace(/[^\x20-\x7e]/g, '?');
}

class Runtime {
  constructor(client, handler, options) {
    this.client = client;
    this.handler = handler;
    this.options = options;
  }

  // next takes the next invocation, at the beginning of the next turn of the loop.
  next() {
    setImmediate(() => {
      if (ending) {
        return;
      }
      this.client.next((headers, body) => {
        if (this.options) {
          this.stream(headers, body);
        } else {
          this.invoke(headers, body);
        }
      });
    });
  }

  begin(headers) {
    const id = invocation.begin(headers);
    crashed = (error, status) => {
      if (this.client.pending) {
        process.exit(status); // it has answered already
      }
      this.fail(id, error, () => process.exit(status));
    };
    return id;
  }

  invoke(headers, body) {
    const id = this.begin(headers);
    const done = new Completion(this, id);
    whenEmpty = () => done.answer(null);
    try {
      const context = Object.assign(done.context(), invocation.fromEnvironment(false), invocation.fromHeaders(headers, false));
      const result = this.handler(JSON.parse(body), context, (error, value) => done.callback(error, value));
      if (result && typeof result.then === 'function') {
        result.then(context.succeed, context.fail).catch(context.fail);
      }
    } catch (error) {
      done.callback(error);
    }
  }

  stream(headers, body) {
    const id = this.begin(headers);
    const context = { callbackWaitsForEmptyEventLoop: true };
    const next = () => {
      if (context.callbackWaitsForEmptyEventLoop) {
        whenEmpty = () => this.once(() => this.next());
      } else {
        this.next();
      }
    };
    whenEmpty = () => {};
    const run = (out) => {
      Object.assign(context, invocation.fromEnvironment(false), invocation.fromHeaders(headers, false));
      return this.handler(JSON.parse(body), out, context);
    };
    require('./stream.js').serve(this.client, id, this.options, run).then(next);
  }

  // once takes the listener away before it runs: an empty loop stays empty.
  once(run) {
    whenEmpty = () => {};
    setImmediate(run);
  }

  succeed(id, value, callback) {
    let text;
    try {
      text = JSON.stringify(value === undefined ? null : value);
    } catch (_) {
      throw new Error('Unable to stringify response body');
    }
    if (typeof text !== 'string') {
      throw new TypeError('Wrong arguments');
    }
    this.client.post(`invocation/${id}/response`, text, callback);
  }

  fail(id, error, callback) {
    this.client.post(`invocation/${id}/error`, JSON.stringify(describe(error)), callback);
  }
}

// Completion is the one answer of an invocation. The first one wins.
class Completion {
  constructor(runtime, id) {
    this.runtime = runtime;
    this.id = id;
    this.finished = false;
    this.answered = false;
    this.wait = true;
  }

  context() {
    const self = this;
    const fail = (error) => self.done(error === undefined || error === null ? 'handled' : error);
    return {
      get callbackWaitsForEmptyEventLoop() {
        return self.wait;
      },
      set callbackWaitsForEmptyEventLoop(value) {
        self.wait = value;
      },
      succeed: (value) => self.done(null, value),
      fail,
      done: (error, value) => self.done(error, value),
    };
  }

  // callback answers when the loop is empty, done answers now.
  callback(error, value) {
    if (this.finished) {
      return;
    }
    if (error === undefined || error === null) {
      whenEmpty = () => this.runtime.once(() => this.answer(value));
      if (!this.wait) {
        whenEmpty = () => {};
        this.answer(value);
      }
    } else {
      this.reject(error);
    }
    this.finished = true;
  }

  done(error, value) {
    if (this.finished) {
      return;
    }
    whenEmpty = () => {};
    if (error === undefined || error === null) {
      this.answer(value);
    } else {
      this.reject(error);
    }
    this.finished = true;
  }

  answer(value) {
    if (this.answered || ending) {
      return;
    }
    whenEmpty = () => {};
    this.runtime.succeed(this.id, value, () => this.runtime.next());
    this.answered = true;
  }

  reject(error) {
    if (this.answered || ending) {
      return;
    }
    whenEmpty = () => {};
    log('Invoke Error', error);
    this.answered = true;
    this.runtime.fail(this.id, error, () => this.runtime.next());
  }
}

module.exports = { start };
