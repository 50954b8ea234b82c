// Handlers as AWS's runtimes treat them from Node.js 24 on: no callbacks, no
// waiting for the event loop, no hooks for what nobody catches.
'use strict';

const { describe, log, named, style } = require('./errors.js');
const { load, streaming } = require('./loader.js');
const invocation = require('./invocation.js');

const INIT_FAILED = 1;

async function start(client, root, name) {
  style.modern = true;
  let handler;
  let options;
  let store;
  try {
    store = makeStore();
    handler = await load(root, name, true);
    options = streaming(handler);
    if (!options && handler.length >= 3) {
      throw named('CallbackHandlerDeprecated',
        'ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24.' +
        ' Return the result from an async function instead.');
    }
  } catch (error) {
    log('Init Error', error);
    const response = describe(error);
    const type = String(response.errorType).replace(/[^\x20-\x7e]/g, '?');
    client.post('init/error', JSON.stringify(response), () => process.exit(INIT_FAILED),
      `Lambda-Runtime-Function-Error-Type: ${type}\r\n`);
    return;
  }
  for (;;) {
    const [headers, body] = await new Promise((resolve) => client.next((...answer) => resolve(answer)));
    const id = invocation.begin(headers);
    store.begin(headers);
    if (options) {
      await require('./stream.js').serve(client, id, options,
        (out) => handler(JSON.parse(body), out, makeContext(headers)));
    } else {
      await invoke(client, id, () => handler(JSON.parse(body), makeContext(headers)));
    }
  }
}

async function invoke(client, id, run) {
  let path = 'response';
  let text;
  try {
    const value = await run();
    await new Promise((resolve) => setImmediate(resolve));
    text = serialize(value);
  } catch (error) {
    await new Promise((resolve) => setImmediate(resolve));
    log('Invoke Error', error);
    path = 'error';
    text = JSON.stringify(describe(error));
  }
  await new Promise((resolve) => client.post(`invocation/${id}/${path}`, text, resolve));
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

function makeContext(headers) {
  return Object.assign(invocation.fromHeaders(headers, true), invocation.fromEnvironment(true));
}

// makeStore makes awslambda.InvokeStore, where libraries look the invocation up.
function makeStore() {
  const KEYS = {
    REQUEST_ID: Symbol.for('_AWS_LAMBDA_REQUEST_ID'),
    X_RAY_TRACE_ID: Symbol.for('_AWS_LAMBDA_X_RAY_TRACE_ID'),
    TENANT_ID: Symbol.for('_AWS_LAMBDA_TENANT_ID'),
  };
  let values;
  const store = {
    begin(headers) {
      values = {
        [KEYS.REQUEST_ID]: headers['lambda-runtime-aws-request-id'],
        [KEYS.X_RAY_TRACE_ID]: headers['lambda-runtime-trace-id'],
        [KEYS.TENANT_ID]: headers['lambda-runtime-aws-tenant-id'],
      };
    },
  };
  const invokeStore = {
    getContext: () => values,
    hasContext: () => values !== undefined,
    get: (key) => (values ? values[key] : undefined),
    set(key, value) {
      if (Object.values(KEYS).includes(key)) {
        throw new Error(`Cannot modify protected Lambda context field: ${String(key)}`);
      }
      values = Object.assign(values || {}, { [key]: value });
    },
    getRequestId: () => (values && values[KEYS.REQUEST_ID]) || '-',
    getXRayTraceId: () => (values ? values[KEYS.X_RAY_TRACE_ID] : undefined),
    getTenantId: () => (values ? values[KEYS.TENANT_ID] : undefined),
    run(context, fn) {
      values = context;
      return fn();
    },
  };
  if (!['1', 'true'].includes(process.env.AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA)) {
    global.awslambda = { InvokeStore: invokeStore };
  }
  return store;
}

module.exports = { start };
