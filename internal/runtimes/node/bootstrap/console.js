// The console as AWS's runtimes make it: one line per call on standard output,
// in the text or the JSON format.
'use strict';

const util = require('util');
const { lines } = require('./errors.js');
const output = require('./output.js');

const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];

// current is the invocation that lines are written for.
const current = { requestId: undefined, tenantId: undefined };

// patch replaces the console's methods. Before the first invocation lines say
// noRequest where its id belongs.
function patch(noRequest) {
  current.requestId = noRequest;
  const env = process.env;
  const json = (env.AWS_LAMBDA_LOG_FORMAT || '').toUpperCase() === 'JSON';
  const least = LEVELS.indexOf((env.AWS_LAMBDA_LOG_LEVEL || '').toUpperCase());
  const format = json ? formatJSON : formatText;
  const method = (level) => {
    if (LEVELS.indexOf(level) < least && level !== 'FATAL') {
      return () => {};
    }
    // A line is a record: what reads it turns \r back.
    return (message, ...params) => {
      output.write(format(level, message, params).replace(/\n/g, '\r') + '\n');
    };
  };
  for (const level of LEVELS) {
    console[level.toLowerCase()] = method(level);
  }
  console.log = console.info;
  Object.defineProperty(console.fatal, 'json', { value: json });
}

function formatText(level, message, params) {
  return `${new Date().toISOString()}\t${current.requestId}\t${level}\t${util.format(message, ...params)}`;
}

function formatJSON(level, message, params) {
  const record = { timestamp: new Date().toISOString(), level, requestId: current.requestId };
  if (current.tenantId !== undefined) {
    record.tenantId = current.tenantId;
  }
  if (params.length === 0) {
    record.message = message;
    try {
      return JSON.stringify(record, (_, value) => (value instanceof Error ? Object.assign(about(value), value) : value));
    } catch (_) {
      record.message = util.format(message);
      return JSON.stringify(record);
    }
  }
  record.message = util.format(message, ...params);
  const error = [message, ...params].find((param) => param instanceof Error);
  return JSON.stringify(error ? Object.assign(record, about(error)) : record);
}

// about is what the JSON format tells of an error.
function about(error) {
  const type = error.constructor && error.constructor.name;
  const stack = typeof error.stack === 'string' ? lines(error.stack) : [];
  return { errorType: type || 'UnknownError', errorMessage: error.message, stackTrace: stack };
}

module.exports = { current, patch };
