// Handlers as AWS's runtimes treat them up to Node.js 22: callbacks beside
// promises, and an answer that waits until the event loop is empty.
'use strict';

const { patch } = require('./console.js');
const { describe, log, named } = require('./errors.js');
const { globals, load, streaming } = require('./loader.js');
const invocation = require('./invocation.js');

// AWS's exit statuses for the ways to fail outside of a handler; the last is
// Node.js's own for a module that waits for ever.
const REJECTED = 128;
const UNCAUGHT = 129;
const UNSETTLED = 13;

// AWS keeps what it knows of an invocation here, where functions find it.
const REQUEST_ID = Symbol.for('aws.lambda.runtime.requestId');
const TENANT_ID = Symbol.for('aws.lambda.runtime.tenantId');
// WHEN_EMPTY runs when the event loop has nothing left to do.
const WHEN_EMPTY = Symbol.for('aws.lambda.beforeExit');

const whenEmpty = (run) => {
  global[WHEN_EMPTY] = run;
};
const nothing = () => {};
const absent = (value) => value === undefined || value === null;
const isPromise = (value) => Boolean(value) && typeof value.then === 'function';

// crashed posts an error that nobody caught, then ends the process.
let crashed;
// ending is set when that has begun, final when nothing is said any more.
let ending = false;
let final = false;

function start(client, root, handler) {
  patch({ requestId: () => global[REQUEST_ID], tenantId: () => (absent(global[TENANT_ID]) ? undefined : global[TENANT_ID]) });
  crashed = (error, status) => {
    const response = describe(error);
    const type = `Lambda-Runtime-Function-Error-Type: ${headerText(response.errorType)}\r\n`;
    client.post('init/error', JSON.stringify(response), () => process.exit(status), type);
  };
  process.on('uncaughtException', uncaught);
  process.on('unhandledRejection', (reason, promise) => {
    const error = named('UnhandledPromiseRejection', reason === undefined ? '' : String(reason));
    end('Unhandled Promise Rejection', Object.assign(error, { reason, promise }), REJECTED);
  });
  whenEmpty(() => process.exit(UNSETTLED));
  process.on('beforeExit', () => global[WHEN_EMPTY]());
  globals();
  load(root, handler, false).then((fn) => {
    whenEmpty(nothing);
    new Runtime(client, fn, streaming(fn)).next();
  }).catch(uncaught);
}

function uncaught(error) {
  end('Uncaught Exception', error, UNCAUGHT);
}

function end(what, error, status) {
  if (final) {
    return;
  }
  log(what, error);
  if (!ending) {
    ending = true;
    crashed(error, status);
  }
}

function headerText(text) {
  return String(text).replace(/[^\x20-\x7e]/g, '?');
}

// Runtime is named as AWS's, and so are the methods that call handlers: stack
// traces show their names.
class Runtime {
  constructor(client, handler, options) {
    this.client = client;
    this.handler = handler;
    this.options = options;
  }

  // next takes the next invocation, at the beginning of the next turn of the loop.
  next() {
    setImmediate(() => {
      if (!ending) {
        (this.options ? this.handleOnceStreaming() : this.handleOnceNonStreaming()).catch((error) => {
          console.log(`Unexpected Top Level Error: ${error.toString()}`);
          ending = true;
          crashed(error, UNCAUGHT);
        });
      }
    });
  }

  async begin() {
    const { headers, body } = await new Promise((resolve) => this.client.next((...next) => resolve({ headers: next[0], body: next[1] })));
    const id = invocation.begin(headers);
    global[REQUEST_ID] = headers['lambda-runtime-aws-request-id'];
    global[TENANT_ID] = headers['lambda-runtime-aws-tenant-id'];
    crashed = (error, status) => {
      final = true;
      if (this.client.pending) {
        process.exit(status); // it has answered already
      }
      this.fail(id, error).then(() => process.exit(status));
    };
    return { id, headers, body };
  }

  context(context, headers) {
    return Object.assign(context, invocation.fromEnvironment(false), invocation.fromHeaders(headers, false));
  }

  async handleOnceNonStreaming() {
    const { id, headers, body } = await this.begin();
    const done = new Completion(this, id);
    whenEmpty(() => done.never());
    try {
      const event = JSON.parse(body);
      const result = this.handler(event, this.context(done.context(), headers), (error, value) => done.callback(error, value));
      if (isPromise(result)) {
        result.then(done.succeed, done.fail).catch(done.fail);
      }
    } catch (error) {
      done.callback(error);
    }
  }

  async handleOnceStreaming() {
    const { id, headers, body } = await this.begin();
    let wait = true;
    const context = {
      get callbackWaitsForEmptyEventLoop() {
        return wait;
      },
      set callbackWaitsForEmptyEventLoop(value) {
        wait = value;
      },
    };
    const next = () => {
      whenEmpty(nothing);
      if (wait) {
        whenEmpty(() => setImmediate(() => this.next()));
      } else {
        this.next();
      }
    };
    const { stream, answered, fail } = require('./stream.js').open(this.client, id, this.options);
    const failed = (error) => {
      log('Invoke Error', error);
      fail(error).then(next, nothing);
    };
    try {
      whenEmpty(() => this.next());
      this.context(context, headers);
      const result = this.handler(JSON.parse(body), stream, context);
      if (!isPromise(result)) {
        failed('Streaming does not support non-async handlers.');
        return;
      }
      if ((await result) !== undefined) {
        console.warn('Streaming handlers ignore return values.');
      }
      await answered;
      if (!stream.writableFinished) {
        failed('Response stream is not finished.');
        return;
      }
      next();
    } catch (error) {
      failed(error);
    }
  }

  succeed(id, value) {
    let text;
    try {
      text = JSON.stringify(value === undefined ? null : value);
    } catch (_) {
      throw new Error('Unable to stringify response body');
    }
    if (typeof text !== 'string') {
      throw new TypeError('Wrong arguments');
    }
    return this.client.answer(id, 'response', text);
  }

  fail(id, error) {
    return this.client.answer(id, 'error', JSON.stringify(describe(error)));
  }
}

// Completion is the one answer of an invocation. The first one wins.
class Completion {
  constructor(runtime, id) {
    this.runtime = runtime;
    this.id = id;
    this.finished = false;
    this.completed = false;
    this.wait = true;
    this.succeed = (value) => this.done(null, value);
    this.fail = (error) => this.done(absent(error) ? 'handled' : error);
  }

  context() {
    const self = this;
    return {
      get callbackWaitsForEmptyEventLoop() {
        return self.wait;
      },
      set callbackWaitsForEmptyEventLoop(value) {
        self.wait = value;
      },
      succeed: this.succeed,
      fail: this.fail,
      done: (error, value) => this.done(error, value),
    };
  }

  // callback answers when the loop is empty, done answers now.
  callback(error, value) {
    if (this.finished) {
      return;
    }
    whenEmpty(nothing);
    if (!absent(error)) {
      this.reject(error);
    } else if (this.wait) {
      whenEmpty(() => setImmediate(() => this.complete(value)));
    } else {
      this.complete(value);
    }
    this.finished = true;
  }

  done(error, value) {
    if (this.finished) {
      return;
    }
    whenEmpty(nothing);
    if (absent(error)) {
      this.complete(value);
    } else {
      this.reject(error);
    }
    this.finished = true;
  }

  // never is for handlers that have nothing left to do, and have not answered.
  never() {
    this.completed = true;
    whenEmpty(nothing);
    this.answered(this.runtime.succeed(this.id, null));
  }

  complete(value) {
    if (this.completed) {
      console.error('Invocation has already been reported as done. Cannot call complete more than once per invocation.');
      return;
    }
    this.completed = true;
    if (!ending) {
      this.answered(this.runtime.succeed(this.id, value));
    }
  }

  reject(error) {
    if (!ending) {
      log('Invoke Error', error);
      this.answered(this.runtime.fail(this.id, error));
    }
  }

  answered(posted) {
    posted.then(() => this.runtime.next());
  }
}

module.exports = { start };
