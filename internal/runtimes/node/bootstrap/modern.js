// Handlers as AWS's runtimes treat them from Node.js 24 on: no callbacks, no
// waiting for the event loop, no hooks for what nobody catches. The classes
// that call handlers are named as AWS's, for stack traces show their names.
'use strict';

const { patch } = require('./console.js');
const { describe, log, named, style } = require('./errors.js');
const { globals, load, streaming } = require('./loader.js');
const invocation = require('./invocation.js');
const { InvokeStoreMulti, InvokeStoreSingle, KEYS } = require('./store.js');

// What is thrown here ends the process, and Node.js prints it.
async function start(client, root, name) {
  style.modern = true;
  const most = process.env.AWS_LAMBDA_MAX_CONCURRENCY;
  const shared = most !== undefined;
  const store = shared ? new InvokeStoreMulti() : new InvokeStoreSingle();
  globals(store);
  patch({ requestId: () => store.getRequestId(), tenantId: () => store.getTenantId() || undefined }, shared);
  let processor;
  try {
    const handler = await load(root, name, true);
    const options = streaming(handler);
    if (!options && handler.length >= 3) {
      throw named('CallbackHandlerDeprecated', deprecated());
    }
    processor = (own) => (options ? new StreamingInvokeProcessor(own, handler, options) : new BufferedInvokeProcessor(own, handler));
  } catch (error) {
    log('Init Error', error);
    const response = describe(error);
    const type = `Lambda-Runtime-Function-Error-Type: ${String(response.errorType).replace(/[^\x20-\x7e]/g, '?')}\r\n`;
    await new Promise((resolve) => client.post('init/error', JSON.stringify(response), resolve, type));
    if (shared) {
      process.exit(); // on AWS a thread ends, and nobody hears of it
    }
    throw error;
  }
  if (shared) {
    meet(client, store, processor, Number(most));
    return;
  }
  const runtime = processor(client);
  for (;;) {
    const { headers, body } = await next(client);
    const context = contextOf(headers);
    const id = invocation.begin(headers);
    const event = JSON.parse(body);
    await within(store, context, () => runtime.processInvoke(id, event, context));
  }
}

// meet serves several events at once, as on a capacity provider: each on a
// connection of its own, all in this thread. AWS's client starts a thread for
// every eighth of a processor; here the next connection is opened when the last
// has got its first event, so that few events cost little.
function meet(client, store, processor, left) {
  setInterval(() => {}, 1 << 30); // AWS's client asks for events all the time, whatever functions wait for
  serve(client);

  async function serve(own) {
    const runtime = processor(own);
    for (let first = true; ; first = false) {
      const { headers, body } = await next(own);
      left -= first ? 1 : 0;
      if (first && left > 0) {
        serve(own.another());
      }
      const context = contextOf(headers);
      const event = JSON.parse(body);
      await within(store, context, () => runtime.processInvoke(invocation.id(headers), event, context));
    }
  }
}

function next(client) {
  return new Promise((resolve) => client.next((headers, body) => resolve({ headers, body })));
}

function contextOf(headers) {
  return Object.assign(invocation.fromHeaders(headers, true), invocation.fromEnvironment(true));
}

// within runs an invocation so that what it leaves in AsyncLocalStorage goes with it.
async function within(store, context, run) {
  await null;
  return store.run({ [KEYS.REQUEST_ID]: context.awsRequestId, [KEYS.X_RAY_TRACE_ID]: context.xRayTraceId }, run);
}

// deprecated says that there are no callbacks any more: from Node.js 24 on, and
// on capacity providers, where AWS's newer client runs Node.js 22 too.
function deprecated() {
  const common = ' For more information see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.';
  if (process.env.AWS_EXECUTION_ENV === 'AWS_Lambda_nodejs22.x') {
    return 'ERROR: AWS Lambda does not support callback-based function handlers when using Node.js 22 with Managed Instances.' +
      ' To use Managed Instances, modify this function to use a supported handler signature.' + common;
  }
  return 'ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24.' +
    ' You need to modify this function to use a supported handler signature to use Node.js 24 or later.' + common;
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

module.exports = { start };
