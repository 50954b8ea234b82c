// The half of package script that runs in Node.js. It loads the user's files,
// gives their values, and asks lambkin what their functions want to know.
//
// protocol.go describes the messages. The file keeps to what Node.js 14
// understands.
'use strict';

const { writeSync } = require('fs'); // as it is before a script changes it
const Module = require('module');
const path = require('path');
const { pathToFileURL } = require('url');
const util = require('util');

const MARK = '\x1e';
const END = '\x1f';
const setup = JSON.parse(process.argv[2]);

const calls = new Map(); // questions without an answer yet, by id
const waiting = new Map(); // what was asked of lambkin, by number
const bundles = new Map(); // modules that lambkin has built, by path
let asked = 0;

// Scripts find the process as they would in the framework: its command line,
// and a main module that lies in the service's folder.
process.argv = [process.argv[0]].concat(setup.args);
process.execArgv = [];
module.filename = module.id = path.join(process.cwd(), 'serverless');
module.paths = Module._nodeModulePaths(process.cwd());
if (setup.stdio) {
  Object.defineProperty(process, 'stdout', { configurable: true, get: () => process.stderr });
}
Error.stackTraceLimit = 50;

// Node.js warns of ways to load a module that are lambkin's choice, not the script's.
const { emitWarning } = process;
process.emitWarning = function (warning, type, ...rest) {
  const options = type !== null && typeof type === 'object' ? type : { type, code: rest[0] };
  const name = warning instanceof Error ? warning.name : options.type;
  if (name !== 'ExperimentalWarning' && options.code !== 'MODULE_TYPELESS_PACKAGE_JSON') {
    emitWarning.call(process, warning, type, ...rest);
  }
};

function send(text) {
  let data = Buffer.from(MARK + text + END);
  while (data.length > 0) {
    try {
      data = data.subarray(writeSync(setup.stdio ? 1 : 4, data));
    } catch (err) {
      if (err.code !== 'EAGAIN') {
        return; // lambkin is gone, and this process will be
      }
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

const input = setup.stdio ? process.stdin : new (require('net').Socket)({ fd: 3, readable: true, writable: false });
let pieces = [];
input.on('data', (data) => {
  for (let end = data.indexOf(END); end >= 0; end = data.indexOf(END)) {
    pieces.push(data.subarray(0, end));
    data = data.subarray(end + 1);
    const message = JSON.parse(Buffer.concat(pieces).toString());
    pieces = [];
    take(message);
  }
  pieces.push(data);
});
for (const event of ['end', 'error', 'close']) {
  input.on(event, () => process.reallyExit(0)); // without lambkin there is nothing to do
}

// balance lets the process notice that nothing goes on any more: while a
// question waits for the script alone, the channel does not keep it alive.
function balance() {
  if (calls.size > 0 && waiting.size === 0) {
    input.unref();
  } else {
    input.ref();
  }
}

process.on('beforeExit', () => {
  for (const call of calls.values()) {
    fail(call, undefined, 'unsettled');
  }
  balance();
});
process.on('unhandledRejection', (err) => {
  send(JSON.stringify({ stray: describe(err) })); // nobody may ever need what failed
});
process.on('uncaughtException', (error) => {
  if (calls.size === 0) {
    console.error(error);
  }
  for (const call of calls.values()) {
    fail(call, error);
  }
  balance();
});
process.on('exit', (code) => {
  send(JSON.stringify({ exit: { code, stack: String(new Error('exit').stack) } }));
});

function take(message) {
  if (!message.reply) {
    answer(message);
    return;
  }
  const { resolve, reject } = waiting.get(message.reply);
  waiting.delete(message.reply);
  balance();
  if (message.error === undefined) {
    resolve(message.value);
  } else {
    reject(Object.assign(new Error(message.error), { [cause]: message.reply }));
  }
}

// cause marks an error as lambkin's own: the number of what was asked.
const cause = Symbol('cause');

async function answer(call) {
  calls.set(call.id, call);
  for (const name of Object.keys(call.env || {})) {
    if (call.env[name] === null) {
      delete process.env[name];
    } else {
      process.env[name] = call.env[name];
    }
  }
  balance();
  try {
    const exported = await load(call);
    const value = call.address ? await find(call, exported) : await whole(exported);
    const text = write(value);
    if (calls.delete(call.id)) {
      send(text === undefined ? `{"id":${call.id}}` : `{"id":${call.id},"value":${text}}`);
    }
  } catch (err) {
    fail(call, err);
  }
  balance();
}

function fail(call, err, kind) {
  if (!calls.delete(call.id)) {
    return; // it has its answer
  }
  const { id, old } = call;
  const answer = err instanceof Again ? { again: err.format } : { error: Object.assign(describe(err), { old }) };
  if (kind) {
    answer.error.kind = kind;
  }
  send(JSON.stringify(Object.assign({ id }, answer)));
}

function describe(err) {
  const error = {};
  try {
    const isError = util.types.isNativeError(err) || err instanceof Error;
    error.text = isError ? [err.name, err.message].filter(Boolean).join(': ') : util.inspect(err);
    if (err !== null && typeof err === 'object') {
      error.kind = err[trouble];
      error.cause = err[cause];
      error.stack = String(err.stack || '');
      error.code = String(err.code || '');
      error.name = String(err.name);
    }
  } catch (odd) {
    error.text = error.text || 'an error that cannot be shown';
  }
  return error;
}

// Again asks for the file as lambkin's bundler writes it, in this format.
class Again {
  constructor(format) {
    this.format = format;
  }
}

// load gives {value}, what the file exports; the wrapper keeps promises whole.
async function load(call) {
  const { file } = call;
  if (call.format) {
    return { value: await loadBundle(call) };
  }
  if (call.module) {
    return { value: await import(pathToFileURL(file).href) };
  }
  try {
    return { value: Module.createRequire(file)(file) };
  } catch (err) {
    if (isESMOnly(err)) {
      return { value: await import(pathToFileURL(file).href) };
    }
    if (!call.last && err instanceof SyntaxError && moduleSyntax.test(err.message)) {
      throw new Again('cjs');
    }
    throw err;
  }
}

// moduleSyntax is what versions that take a .js file for CommonJS say of an ES module.
const moduleSyntax = /import statement outside|Unexpected token 'export'|'import\.meta' outside|^await is only valid/;

const isESMOnly = (err) => err && (err.code === 'ERR_REQUIRE_ESM' || err.code === 'ERR_REQUIRE_ASYNC_MODULE');

// loadBundle loads what lambkin has made of a file, in the place of that file. A
// bundle that needs what only the other format has is asked for in that.
async function loadBundle({ file, format, code, last }) {
  if (!bundles.has(file)) {
    if (process.setSourceMapsEnabled) {
      process.setSourceMapsEnabled(true); // stacks speak of what the bundle was made of
    }
    try {
      bundles.set(file, format === 'cjs' ? compile(file, code) : await importSource(file, code, last));
    } catch (err) {
      if (!last && format === 'cjs' && (isESMOnly(err) || (err && err.code === 'ERR_PACKAGE_PATH_NOT_EXPORTED'))) {
        throw new Again('esm');
      }
      if (!last && format === 'esm' && err && commonSyntax.test(err.message)) {
        throw new Again('cjs');
      }
      throw err;
    }
  }
  return bundles.get(file).exports;
}

// commonSyntax is what an ES module says that counts on CommonJS.
const commonSyntax = /^(?:module|exports|require) is not defined|^Dynamic require of /;

function compile(file, code) {
  const made = new Module(file, module);
  made.filename = file;
  made.paths = Module._nodeModulePaths(path.dirname(file));
  made._compile(code, file);
  made.loaded = true;
  return made;
}

// sources are the bundles that Node.js takes in place of the files that they
// were made of, by URL. Versions before 22.15 want to be told in another thread.
const sources = new Map();
const loader = `const sources = new Map();
export function initialize([url, source]) { sources.set(url, source); }
export async function load(url, context, next) {
  return sources.has(url) ? { format: 'module', source: sources.get(url), shortCircuit: true } : next(url, context);
}`;

async function importSource(file, source, last) {
  const url = pathToFileURL(file).href;
  if (Module.registerHooks && sources.size === 0) {
    Module.registerHooks({
      load: (u, context, next) =>
        sources.has(u) ? { format: 'module', source: sources.get(u), shortCircuit: true } : next(u, context),
    });
  } else if (!Module.registerHooks && Module.register) {
    Module.register(`data:text/javascript,${encodeURIComponent(loader)}`, { data: [url, source] });
  } else if (!Module.registerHooks) {
    throw last ? Object.assign(new Error(`Node.js ${process.version} cannot run it as an ES module`), { [trouble]: 'node' }) : new Again('cjs');
  }
  sources.set(url, source);
  return { exports: await import(url) };
}

// isNamespace tells an ES module, or what was translated from one, from CommonJS.
const isNamespace = (value) => util.types.isModuleNamespaceObject(value) || (value && value.__esModule === true);

// isFunction leaves classes out, as the framework does.
const isFunction = (value) => typeof value === 'function' && !/^class\b/.test(Function.prototype.toString.call(value));

// whole gives what a configuration or an event exports.
async function whole({ value }) {
  let chosen = isNamespace(value) && value.default !== undefined ? value.default : value;
  chosen = await chosen;
  return isFunction(chosen) ? chosen() : chosen;
}

// find follows the address as the framework's "file" source does: the first
// function on the way is called, and what it gives is taken as it is.
async function find(call, { value }) {
  let called = false;
  const settle = async (v) => {
    if (called || !isFunction(v)) {
      return v;
    }
    called = true;
    return v(interfaceOf(call));
  };
  let at = isNamespace(value) ? choose(value, call.address[0]) : value;
  at = await settle(await at);
  for (const key of call.address) {
    if (typeof at === 'string' && at.includes('${')) {
      at = await ask(call, { text: at });
    }
    at = member(at, key);
    if (at === undefined || at === null) {
      return undefined;
    }
    at = await settle(await at);
  }
  return at;
}

// choose takes a module's default export, unless only a named one fits.
function choose(namespace, key) {
  const main = namespace.default;
  if (main === undefined) {
    return namespace;
  }
  const fits = !isFunction(main) && member(main, key) !== undefined;
  return key !== undefined && !fits && member(namespace, key) !== undefined ? namespace : main;
}

// member leaves out what every object inherits.
function member(value, key) {
  if (value === undefined || value === null) {
    return undefined;
  }
  const found = value[key];
  const inherited = !Object.prototype.hasOwnProperty.call(value, key) && key in Object.prototype;
  return inherited ? undefined : found;
}

// interfaceOf is what the framework hands to functions since version 3.
function interfaceOf(call) {
  const given = {
    options: call.options || {},
    resolveVariable: async (text) => {
      if (typeof text !== 'string') {
        throw new TypeError(`resolveVariable takes a string, not ${util.inspect(text)}`);
      }
      return ask(call, { variable: text });
    },
    resolveConfigurationProperty: async (keys) => {
      if (!Array.isArray(keys)) {
        throw new TypeError(`resolveConfigurationProperty takes a list of keys, not ${util.inspect(keys)}`);
      }
      return ask(call, { property: keys.map(String) });
    },
  };
  // Earlier versions handed out the framework itself.
  for (const name of ['service', 'variables', 'processedInput', 'pluginManager', 'providers', 'getProvider', 'cli', 'config']) {
    Object.defineProperty(given, name, {
      configurable: true,
      get() {
        call.old = true;
        return undefined;
      },
    });
  }
  return given;
}

function ask(call, what) {
  asked += 1;
  const number = asked;
  return new Promise((resolve, reject) => {
    waiting.set(number, { resolve, reject });
    balance();
    send(JSON.stringify(Object.assign({ id: call.id, ask: number }, what)));
  });
}

// trouble says which kind of error lambkin's own errors are.
const trouble = Symbol('trouble');

function refuse(text, keys) {
  const err = new Error(keys.length > 0 ? `${text}, at ${JSON.stringify(keys.join('.'))}` : text);
  err[trouble] = 'value';
  throw err;
}

// write gives the JSON text of a value, undefined for none. Each element has a
// line of its own: lambkin's reader counts the columns of what it reads.
function write(value) {
  if (typeof value === 'function' || typeof value === 'symbol') {
    refuse(`${typeof value === 'symbol' ? 'a symbol' : 'a function'}, which JSON cannot hold`, []);
  }
  try {
    return JSON.stringify(value, null, ' ');
  } catch (err) {
    explain(value);
    throw err;
  }
}

const deepest = 1000;

// explain finds out why a value has no JSON text.
function explain(value) {
  const open = []; // what the value stands in, from the outside in
  const keys = [];
  JSON.stringify(value, function (key, v) {
    while (open.length > 0 && open[open.length - 1] !== this) {
      open.pop();
    }
    if (open.length > 0) {
      keys.length = open.length - 2; // the outermost holds the value itself, without a key
      keys.push(key);
    }
    if (typeof v === 'bigint') {
      refuse('a BigInt, which JSON cannot hold', keys);
    }
    if (v !== null && typeof v === 'object') {
      if (open.includes(v)) {
        refuse('a value that contains itself', keys);
      }
      if (open.length > deepest) {
        refuse(`a value that is nested deeper than ${deepest} levels`, keys.slice(0, 10));
      }
      if (open.length === 0) {
        open.push(this);
      }
      open.push(v);
    }
    return v;
  });
}

send('{"ready":true}');
