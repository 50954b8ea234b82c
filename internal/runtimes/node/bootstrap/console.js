// The console as AWS's runtimes make it: one line per call on standard output,
// in the text or the JSON format.
'use strict';

const util = require('util');
const { lines, style } = require('./errors.js');
const output = require('./output.js');

const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];

// patch replaces the console's methods. current tells the invocation that
// lines are written for: its requestId and its tenantId. Lines of several that
// run at once are JSON in any case.
function patch(current, shared) {
  const env = process.env;
  const json = (env.AWS_LAMBDA_LOG_FORMAT || '').toUpperCase() === 'JSON';
  const least = LEVELS.indexOf((env.AWS_LAMBDA_LOG_LEVEL || '').toUpperCase());
  const format = json || shared ? formatJSON : formatText;
  const method = (level) => {
    if (LEVELS.indexOf(level) < least && level !== 'FATAL') {
      return () => {};
    }
    // A line is a record: what reads it turns \r back.
    return (message, ...params) => {
      output.write(format(current, level, message, params).replace(/\n/g, '\r') + '\n');
    };
  };
  for (const level of LEVELS) {
    console[level.toLowerCase()] = method(level);
  }
  console.log = console.info;
  style.json = json;
}

function formatText(current, level, message, params) {
  return `${new Date().toISOString()}\t${current.requestId()}\t${level}\t${util.format(message, ...params)}`;
}

function formatJSON(current, level, message, params) {
  const record = { timestamp: new Date().toISOString(), level, requestId: current.requestId() };
  const tenant = current.tenantId();
  if (tenant !== undefined) {
    record.tenantId = tenant;
  }
  if (params.length === 0) {
    record.message = message;
    try {
      return JSON.stringify(record, (_, value) => (value instanceof Error ? Object.assign(about(value, value.stack), value) : value));
    } catch (_) {
      record.message = util.format(message);
      return JSON.stringify(record);
    }
  }
  record.message = util.format(message, ...params);
  const error = (style.modern ? params : [message, ...params]).find((param) => param instanceof Error);
  return JSON.stringify(error ? Object.assign(record, about(error, [])) : record);
}

// about is what the JSON format tells of an error; stack is told when its own is no text.
function about(error, stack) {
  const made = error.constructor;
  const type = made === undefined || made === null ? undefined : made.name;
  return {
    errorType: type === undefined || type === null ? 'UnknownError' : type,
    errorMessage: error.message,
    stackTrace: typeof error.stack === 'string' ? lines(error.stack) : stack,
  };
}

module.exports = { patch };
