// The Node.js runtime of lambkin: it loads the function's handler and answers
// invocations over the Lambda Runtime API. It speaks like the managed runtime
// that AWS_EXECUTION_ENV names, whatever version of Node.js it runs on, so it
// keeps to what Node.js 12 understands.
'use strict';

const env = process.env;
const dialect = take('_LAMBKIN_DIALECT');
const fn = take('_LAMBKIN_FUNCTION');
const shell = take('_LAMBKIN_SHELL');
const code = take('_LAMBKIN_CODE');

const { Client } = require('./client.js');

const named = /nodejs(\d+)/.exec(env.AWS_EXECUTION_ENV || '');
const major = named ? Number(named[1]) : 24;
const client = new Client(env.AWS_LAMBDA_RUNTIME_API);
const root = code || env.LAMBDA_TASK_ROOT || process.cwd();
const handler = env._HANDLER || '';

if (dialect === 'serverless') {
  const framework = require('./framework.js');
  become(JSON.parse(shell || '{}'));
  framework.start(client, root, handler, JSON.parse(fn || '{}'));
} else {
  // On AWS an ES module starts the function, so there is no main module.
  process.mainModule = undefined;
  // Node.js 24 on AWS dropped callbacks and everything that came with them; on
  // capacity providers Node.js 22 did.
  const modern = major >= 24 || (major === 22 && env.AWS_LAMBDA_MAX_CONCURRENCY !== undefined);
  require(modern ? './modern.js' : './classic.js').start(client, root, handler);
}

// take returns a variable that is between lambkin and this file.
function take(name) {
  const value = env[name];
  delete env[name];
  return value;
}

// become makes the environment the one that the framework would have: names
// to be without, then pairs of names and values.
function become({ unset = [], set = [] }) {
  for (const name of unset) {
    delete env[name];
  }
  for (const [name, value] of set) {
    env[name] = value;
  }
}
