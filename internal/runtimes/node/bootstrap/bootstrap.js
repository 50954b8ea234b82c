// The Node.js runtime of lambkin: it loads the function's handler and answers
// invocations over the Lambda Runtime API. It speaks like the managed runtime
// that AWS_EXECUTION_ENV names, whatever version of Node.js it runs on, so it
// keeps to what Node.js 12 understands.
'use strict';

const env = process.env;
const serverless = env._LAMBKIN_DIALECT === 'serverless';
delete env._LAMBKIN_DIALECT;

const { Client } = require('./client.js');
const log = require('./console.js');

const named = /nodejs(\d+)/.exec(env.AWS_EXECUTION_ENV || '');
const major = named ? Number(named[1]) : 24;
const client = new Client(env.AWS_LAMBDA_RUNTIME_API);
const root = env.LAMBDA_TASK_ROOT || process.cwd();

// Node.js 24 on AWS dropped callbacks and everything that came with them; the
// Serverless Framework's wrapper still has them on every version.
const modern = major >= 24 && !serverless;
if (!serverless) {
  log.patch(modern ? '-' : undefined);
}
require(modern ? './modern.js' : './classic.js').start(client, root, env._HANDLER || '', serverless);
