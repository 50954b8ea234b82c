// Handlers as `serverless invoke local` treats them, on every version of
// Node.js: any answer counts, the first one, at once; the context is the
// framework's own; and what has failed is told in the framework's form.
'use strict';

const fs = require('fs');
const path = require('path');
const util = require('util');
const { createRequire } = require('module');
const { pathToFileURL } = require('url');
const { lines } = require('./errors.js');
const { globals } = require('./loader.js');
const invocation = require('./invocation.js');

// What the framework says of every function.
const LOG_STREAM = '2015/09/22/[HEAD]13370a84ca4ed8b77c427af260';
const MEMORY = '1024';

// start answers invocations. fn is what the function is called and how many
// seconds it has.
function start(client, root, handler, fn) {
  let crash = (error) => initFailed(client, loadError(undefined, error));
  process.on('uncaughtException', (error) => crash(error));
  process.on('unhandledRejection', (error) => crash(error));
  load(root, handler).then((run) => {
    const next = () => client.next((headers, body) => {
      const call = new Call(client, fn, headers, next);
      crash = (error) => call.crash(error);
      call.run(run, body);
    });
    next();
  }, (error) => initFailed(client, error));
}

// Failure is a failure that the framework tells in a sentence, not with an error object.
class Failure extends Error {
  constructor(type, message) {
    super(message);
    this.type = 'Runtime.' + type;
  }
}

// initFailed reports that the function cannot be loaded, and ends.
function initFailed(client, failure) {
  const body = { errorMessage: failure.message, errorType: failure.type, cause: failure.cause, stackTrace: [] };
  client.post('init/error', JSON.stringify(body), () => process.exit(1), errorType(failure.type));
}

function errorType(name) {
  return `Lambda-Runtime-Function-Error-Type: ${String(name).replace(/[^\x20-\x7e]/g, '?')}\r\n`;
}

// load finds the handler: what follows the last dot is the name of an export.
async function load(root, handler) {
  globals();
  const dot = handler.lastIndexOf('.');
  if (dot <= 0) {
    throw new Failure('MalformedHandlerName', `Lambda handler "${handler}" does not name a file and a function: write file.function`);
  }
  const module = handler.slice(0, dot);
  const name = handler.slice(dot + 1);
  const file = path.join(root, module);
  let loaded;
  try {
    loaded = await loadModule(file);
  } catch (error) {
    throw loadError(file, error);
  }
  const holder = [loaded, loaded && loaded.default].find((one) => one && typeof one[name] === 'function');
  if (!holder) {
    throw new Failure('HandlerNotFound', `Lambda handler "${module}" does not point function property`);
  }
  return holder[name]; // to be called as a function of nothing, as stack traces then say
}

async function loadModule(file) {
  const found = ['', '.js', '.cjs', '.mjs'].map((extension) => file + extension).find(isFile);
  const requireUser = createRequire(path.join(path.dirname(file), 'index.js'));
  if (found && path.extname(found) === '.mjs') {
    return import(pathToFileURL(found).href);
  }
  try {
    return requireUser(found || file);
  } catch (error) {
    if (error && (error.code === 'ERR_REQUIRE_ESM' || error.code === 'ERR_REQUIRE_ASYNC_MODULE')) {
      return import(pathToFileURL(found || requireUser.resolve(file)).href);
    }
    throw error;
  }
}

function isFile(name) {
  try {
    return fs.statSync(name).isFile();
  } catch (_) {
    return false;
  }
}

// loadError shows why the module could not be loaded and makes the framework's
// word for it, with AWS's name.
function loadError(file, error) {
  process.stderr.write(util.inspect(error) + '\n');
  const missing = error && error.code === 'MODULE_NOT_FOUND';
  const type = missing ? 'ImportModuleError' : error instanceof SyntaxError ? 'UserCodeSyntaxError' : 'InitError';
  // The framework tries .cjs last, and so names it when a module is missing.
  const shown = file === undefined ? 'the handler' : missing ? file + '.cjs' : file;
  const failure = new Failure(type, `Exception encountered when loading ${shown}`);
  failure.cause = String(error).split('\n')[0];
  return failure;
}

// Call is one invocation. Its first answer is the one that counts.
class Call {
  constructor(client, fn, headers, next) {
    this.client = client;
    this.fn = fn;
    this.next = next;
    this.headers = headers;
    this.id = encodeURIComponent(headers['lambda-runtime-aws-request-id']);
    this.answered = false;
  }

  run(handler, body) {
    // Whoever has promised an answer is waited for, whatever else there is to do.
    this.waiting = setInterval(() => {}, 1 << 30);
    const callback = (error, value) => this.answer(error, value);
    try {
      const value = handler(JSON.parse(body), this.context(callback), callback);
      if (value) {
        Promise.resolve(value).then((result) => callback(null, result), (error) => this.reject(error));
      }
    } catch (error) {
      this.reject(error);
    }
  }

  answer(error, value) {
    if (this.answered) {
      return;
    }
    if (error || value instanceof Error) {
      this.reject(error || value);
      return;
    }
    try {
      this.post('response', serialize(value));
    } catch (failure) {
      this.reject(failure);
    }
  }

  reject(error) {
    if (this.answered) {
      return;
    }
    const body = describe(error);
    this.post('error', JSON.stringify(body), errorType(body.errorType));
  }

  post(path, text, header) {
    this.answered = true;
    clearInterval(this.waiting);
    this.client.post(`invocation/${this.id}/${path}`, text, this.next, header);
  }

  // crash is for what nobody caught. It ends the process; an invocation that
  // has been answered stays answered.
  crash(error) {
    if (this.answered) {
      process.stderr.write(util.inspect(error) + '\n');
      process.exit(1);
    }
    this.next = () => process.exit(1);
    this.reject(error);
  }

  // context is the framework's, or the one that the user gave. What AWS has
  // besides is there, too, but does not show when somebody lists the context.
  context(callback) {
    const deadline = Number(this.headers['lambda-runtime-deadline-ms']);
    const aws = invocation.fromHeaders(this.headers, false);
    const context = {
      awsRequestId: aws.awsRequestId,
      invokeid: 'id',
      logGroupName: '/aws/lambda/' + this.fn.name,
      logStreamName: LOG_STREAM,
      functionVersion: 'HEAD',
      isDefaultFunctionVersion: true,
      functionName: this.fn.name,
      memoryLimitInMB: MEMORY,
      succeed: (value) => callback(null, value),
      fail: (error) => callback(error),
      done: (error, value) => callback(error, value),
      getRemainingTimeInMillis: () => Math.max(deadline - Date.now(), 0),
    };
    hidden(context, {
      callbackWaitsForEmptyEventLoop: false,
      clientContext: aws.clientContext,
      identity: aws.identity,
      invokedFunctionArn: aws.invokedFunctionArn,
    });
    const own = this.headers['lambkin-context'];
    const custom = own === undefined ? undefined : JSON.parse(own);
    if (!custom) {
      return context;
    }
    if (typeof custom !== 'object' || Array.isArray(custom)) {
      return custom;
    }
    for (const key of Object.keys(context)) {
      Object.defineProperty(context, key, { enumerable: false });
    }
    return Object.setPrototypeOf(custom, context);
  }
}

function hidden(object, values) {
  for (const key of Object.keys(values)) {
    Object.defineProperty(object, key, { value: values[key], writable: true, configurable: true, enumerable: false });
  }
}

// serialize makes the text of a result. A response for API Gateway that says in
// exactly these words that its body is JSON gets the body as the object that it is.
function serialize(value) {
  if (!value) {
    return 'null'; // the framework prints none of the values that count as false
  }
  let text;
  try {
    text = JSON.stringify(value);
  } catch (_) {
    throw new Failure('MarshalError', `Function returned invalid (not a JSON stringifiable) value: ${util.inspect(value)}`);
  }
  if (text === undefined) {
    return 'null';
  }
  if (value.headers && value.headers['Content-Type'] === 'application/json' && value.body) {
    let body;
    try {
      body = JSON.parse(value.body);
    } catch (_) {
      throw new Failure('MarshalError', 'Content-Type of response is application/json but body is not json');
    }
    text = JSON.stringify(Object.assign(value, { body }));
  }
  return text;
}

// describe is the object that the framework prints for an error.
function describe(error) {
  if (error instanceof Failure) {
    return { errorMessage: error.message, errorType: error.type };
  }
  if (!(error instanceof Error) && !util.types.isNativeError(error)) {
    return { errorMessage: error === undefined ? null : error };
  }
  const type = (error.constructor && error.constructor.name) || 'Error';
  const stack = typeof error.stack === 'string' ? lines(error.stack) : undefined;
  return { errorMessage: error.message, errorType: type, stackTrace: stack };
}

module.exports = { start };
