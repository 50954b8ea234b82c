// Handlers as AWS's runtimes treat them from Node.js 24 on: no callbacks, no
// waiting for the event loop, no hooks for what nobody catches. The classes
// that call handlers are named as AWS's, for stack traces show their names.
'use strict';

const { patch } = require('./console.js');
const { describe, log, named, style } = require('./errors.js');
const { globals, load, streaming } = require('./loader.js');
const invocation = require('./invocation.js');

const KEYS = {
  REQUEST_ID: Symbol.for('_AWS_LAMBDA_REQUEST_ID'),
  X_RAY_TRACE_ID: Symbol.for('_AWS_LAMBDA_X_RAY_TRACE_ID'),
  TENANT_ID: Symbol.for('_AWS_LAMBDA_TENANT_ID'),
};

// What is thrown here ends the process, and Node.js prints it.
async function start(client, root, name) {
  style.modern = true;
  const store = new InvokeStoreSingle();
  globals(store);
  patch({ requestId: () => store.getRequestId(), tenantId: () => store.getTenantId() || undefined });
  let runtime;
  try {
    const handler = await load(root, name, true);
    const options = streaming(handler);
    if (!options && handler.length >= 3) {
      throw named('CallbackHandlerDeprecated',
        'ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24.' +
        ' You need to modify this function to use a supported handler signature to use Node.js 24 or later.' +
        ' For more information see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.');
    }
    runtime = options ? new StreamingInvokeProcessor(client, handler, options) : new BufferedInvokeProcessor(client, handler);
  } catch (error) {
    log('Init Error', error);
    const response = describe(error);
    const type = `Lambda-Runtime-Function-Error-Type: ${String(response.errorType).replace(/[^\x20-\x7e]/g, '?')}\r\n`;
    await new Promise((resolve) => client.post('init/error', JSON.stringify(response), resolve, type));
    throw error;
  }
  for (;;) {
    const { headers, body } = await new Promise((resolve) => client.next((...next) => resolve({ headers: next[0], body: next[1] })));
    const context = Object.assign(invocation.fromHeaders(headers, true), invocation.fromEnvironment(true));
    const id = invocation.begin(headers);
    const event = JSON.parse(body);
    await within(store, context, () => runtime.processInvoke(id, event, context));
  }
}

// within runs an invocation so that what it leaves in AsyncLocalStorage goes with it.
async function within(store, context, run) {
  await null;
  return store.run({ [KEYS.REQUEST_ID]: context.awsRequestId, [KEYS.X_RAY_TRACE_ID]: context.xRayTraceId }, run);
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

class BufferedInvokeProcessor {
  constructor(client, handler) {
    this.client = client;
    this.handler = handler;
  }

  async processInvoke(id, event, context) {
    let path = 'response';
    let text;
    try {
      const value = await this.handler(event, context);
      await turn();
      text = serialize(value);
    } catch (error) {
      await turn();
      log('Invoke Error', error);
      path = 'error';
      text = JSON.stringify(describe(error));
    }
    await this.client.answer(id, path, text);
  }
}

function serialize(value) {
  let text;
  try {
    text = JSON.stringify(value === undefined ? null : value);
  } catch (_) {
    throw named('JSONStringifyError', 'Unable to stringify response body');
  }
  if (typeof text !== 'string') {
    throw new TypeError('Wrong arguments');
  }
  return text;
}

class StreamingInvokeProcessor {
  constructor(client, handler, options) {
    this.client = client;
    this.handler = handler;
    this.options = options;
  }

  async processInvoke(id, event, context) {
    const { stream, answered, fail } = require('./stream.js').open(this.client, id, this.options);
    try {
      const result = this.handler(event, stream, context);
      if (typeof result !== 'object' || result === null || typeof result.then !== 'function') {
        throw new Error('Streaming does not support non-async handlers.');
      }
      if ((await result) !== undefined) {
        console.warn('Streaming handlers ignore return values.');
      }
      await answered;
      if (!stream.writableFinished) {
        throw new Error('Response stream is not finished.');
      }
    } catch (error) {
      await turn();
      log('Invoke Error', error);
      await fail(error);
    }
  }
}

// InvokeStoreSingle is awslambda.InvokeStore, where libraries look the invocation up.
class InvokeStoreBase {
  isProtectedKey(key) {
    return Object.values(KEYS).includes(key);
  }

  getRequestId() {
    const id = this.get(KEYS.REQUEST_ID);
    return id === undefined || id === null ? '-' : id;
  }

  getXRayTraceId() {
    return this.get(KEYS.X_RAY_TRACE_ID);
  }

  getTenantId() {
    return this.get(KEYS.TENANT_ID);
  }
}
InvokeStoreBase.PROTECTED_KEYS = KEYS;

class InvokeStoreSingle extends InvokeStoreBase {
  getContext() {
    return this.currentContext;
  }

  hasContext() {
    return this.currentContext !== undefined;
  }

  get(key) {
    return this.currentContext ? this.currentContext[key] : undefined;
  }

  set(key, value) {
    if (this.isProtectedKey(key)) {
      throw new Error(`Cannot modify protected Lambda context field: ${String(key)}`);
    }
    this.currentContext = this.currentContext || {};
    this.currentContext[key] = value;
  }

  run(context, fn) {
    this.currentContext = context;
    return fn();
  }
}

module.exports = { start };
