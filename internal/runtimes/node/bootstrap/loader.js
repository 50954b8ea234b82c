// Finding and loading the function's handler.
'use strict';

const fs = require('fs');
const path = require('path');
const { createRequire } = require('module');
const { pathToFileURL } = require('url');
const { named } = require('./errors.js');

// The user's modules are required from where AWS requires them from, so that
// the require stacks of their errors end as on AWS.
const requireUser = createRequire(path.join(process.env.LAMBDA_RUNTIME_DIR || path.dirname(__dirname), 'index.mjs'));

const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');
const HIGH_WATER_MARK = Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark');

// split takes a handler string apart: "dir/file.a.b" is the property path a.b
// of the module dir/file.
function split(handler) {
  if (handler.includes('..')) {
    throw named('MalformedHandlerName',
      `'${handler}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`);
  }
  const base = path.basename(handler);
  const dot = base.indexOf('.');
  if (dot < 0) {
    throw named('MalformedHandlerName', 'Bad handler');
  }
  return { folder: handler.slice(0, handler.indexOf(base)), module: base.slice(0, dot), property: base.slice(dot + 1) };
}

// load returns the handler function. modern is how Node.js 24 and later load.
async function load(root, handler, modern) {
  const parts = split(handler);
  let loaded;
  try {
    loaded = await (modern ? importModule : requireModule)(root, parts.folder, parts.module);
  } catch (error) {
    throw explain(error, modern);
  }
  let found = lookup(loaded, parts.property, modern);
  if (!found && modern && typeof loaded === 'object' && loaded !== null && 'default' in loaded) {
    found = lookup(loaded.default, parts.property, modern);
  }
  if (!found) {
    throw named('HandlerNotFound', `${handler} is undefined or not exported`);
  }
  if (typeof found !== 'function') {
    throw named('HandlerNotFound', `${handler} is not a function`);
  }
  return found;
}

// lookup follows the path of a property; from Node.js 24 on through objects alone.
function lookup(object, property, modern) {
  return property.split('.').reduce((value, key) => (value && (!modern || typeof value === 'object') ? value[key] : undefined), object);
}

// explain gives a load error the name that AWS gives it.
function explain(error, modern) {
  if (error instanceof SyntaxError) {
    const wrapped = named('UserCodeSyntaxError', String(error));
    if (modern) {
      wrapped.stack = error.stack;
    } else {
      // AWS does not say where; the parser did, before the message.
      const where = /^(\S.*:\d+)\n/.exec(error.stack);
      wrapped.stack += where ? `\n    at ${where[1]}` : '';
    }
    return wrapped;
  }
  if ((!modern || error instanceof Error) && error.code === 'MODULE_NOT_FOUND') {
    return named('ImportModuleError', String(error));
  }
  return error;
}

// requireModule loads as AWS's runtimes do up to Node.js 22.
async function requireModule(root, folder, name) {
  const file = path.resolve(root, folder, name);
  const esm = fs.existsSync(file + '.js') && typeModule(path.dirname(file));
  const attempts = [['', requireUser], ['.js', esm ? importFile : requireUser], ['.mjs', importFile], ['.cjs', requireUser]];
  for (const [extension, loadFile] of attempts) {
    if (fs.existsSync(file + extension)) {
      const loaded = await loadFile(file + extension);
      if (loaded) {
        return loaded;
      }
    }
  }
  return requireUser(requireUser.resolve(name, { paths: [root, path.resolve(root, folder)] }));
}

// importModule loads as AWS's runtimes do from Node.js 24 on.
async function importModule(root, folder, name) {
  const file = path.resolve(root, folder, name);
  for (const extension of ['', '.js', '.mjs', '.cjs']) {
    if (fs.existsSync(file + extension)) {
      return importFile(file + extension);
    }
  }
  return requireUser(requireUser.resolve(name, { paths: [root, path.join(root, folder)] }));
}

function importFile(file) {
  return import(pathToFileURL(file).href);
}

// typeModule reports whether the nearest package.json makes .js files modules.
function typeModule(folder) {
  for (;;) {
    if (path.basename(folder) === 'node_modules') {
      return false;
    }
    const file = path.join(folder, 'package.json');
    if (fs.existsSync(file)) {
      try {
        return JSON.parse(fs.readFileSync(file, 'utf8')).type === 'module';
      } catch (error) {
        console.warn(`${file} cannot be read, it will be ignored for ES module detection purposes.`, error);
        return false;
      }
    }
    const parent = path.dirname(folder);
    if (parent === folder) {
      return false;
    }
    folder = parent;
  }
}

// HttpResponseStream makes a stream an HTTP answer: the prelude in JSON and
// eight zero bytes go before the first thing written.
class HttpResponseStream {
  static from(stream, prelude) {
    stream.setContentType('application/vnd.awslambda.http-integration-response');
    const head = JSON.stringify(prelude);
    stream._onBeforeFirstWrite = (write) => {
      write(head);
      write(new Uint8Array(8));
    };
    return stream;
  }
}

// globals makes the awslambda object that functions use to stream, with the
// store of invocations where there is one.
function globals(store) {
  if (['1', 'true'].includes(process.env.AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA)) {
    return;
  }
  const streamifyResponse = (handler, options) => {
    handler[STREAMING] = 'response';
    if (options && typeof options.highWaterMark === 'number') {
      handler[HIGH_WATER_MARK] = Math.trunc(options.highWaterMark);
    }
    return handler;
  };
  global.awslambda = Object.assign({ streamifyResponse, HttpResponseStream }, store ? { InvokeStore: store } : {});
}

// streaming tells a streaming handler's settings, or null for another handler.
function streaming(handler) {
  const mode = handler[STREAMING];
  if (!mode) {
    return null;
  }
  if (mode !== 'response') {
    throw named('MalformedStreamingHandler', 'Only response streaming is supported.');
  }
  const mark = Number(handler[HIGH_WATER_MARK]);
  return mark > 0 ? { highWaterMark: mark } : {};
}

module.exports = { globals, load, streaming };
