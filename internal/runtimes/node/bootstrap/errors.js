// Error objects as AWS's Node.js runtimes report them.
'use strict';

const util = require('util');

// own is in every stack frame of these files, and in no other.
const own = __dirname;

// style is how the runtimes differ, those from Node.js 24 on being modern, and
// whether the log is JSON.
const style = { modern: false, json: false };

// inside are stack frames of Node.js itself, as its versions show them.
const inside = /^\s+at (async )?(.*\()?(node:|internal\/|[a-z_]+\.js:)/;

// lines splits a stack. It leaves out the bootstrap's frames, and what Node.js
// did at the bottom to call it.
function lines(stack) {
  const all = stack.split('\n');
  const isOwn = (line) => line.includes(own) && /^\s+at /.test(line);
  let last = all.length - 1;
  while (last >= 0 && !isOwn(all[last])) {
    last--;
  }
  const below = all.slice(last + 1);
  const above = all.slice(0, last + 1).filter((line) => !isOwn(line));
  return last >= 0 && below.every((line) => inside.test(line)) ? above : above.concat(below);
}

// clean keeps DEL out of texts that may become header values.
function clean(text) {
  return text === undefined || text === null ? undefined : text.replace(/\x7F/g, '%7F');
}

function isError(value) {
  if (style.modern) {
    return value instanceof Error;
  }
  return util.types.isNativeError(value) ||
    Boolean(value) && ['name', 'message', 'stack'].every((key) => typeof value[key] === 'string' && value[key] !== '');
}

// describe is the object that a failed invocation answers with.
function describe(error) {
  try {
    if (isError(error)) {
      const trace = style.modern && !error.stack ? [] : lines(clean(error.stack));
      return { errorType: clean(error.name), errorMessage: clean(error.message), trace };
    }
    return { errorType: typeof error, errorMessage: style.modern ? String(error) : error.toString(), trace: [] };
  } catch (_) {
    const response = {
      errorType: 'handled',
      errorMessage: 'callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack',
    };
    return style.modern ? Object.assign(response, { trace: [] }) : response;
  }
}

// enumerate gives JSON.stringify what it does not see of errors by itself.
function enumerate(_, value) {
  if (!(value instanceof Error)) {
    return value;
  }
  const shown = Object.assign({ errorType: value.name, errorMessage: value.message, code: value.code }, value);
  if (typeof value.stack === 'string') {
    shown.stack = lines(value.stack);
  }
  return shown;
}

// log writes the line that a failure leaves in the log.
function log(what, reason) {
  const error = reason instanceof Error ? reason : new Error(style.modern ? String(reason) : reason);
  if (style.json) {
    console.error(error);
    return;
  }
  let text;
  try {
    text = JSON.stringify(error, enumerate);
  } catch (_) {
    text = JSON.stringify(describe(error));
  }
  console.error(what, '\t' + text);
}

// short are the classes whose names do not end as the others' from Node.js 24 on.
const short = ['MalformedStreamingHandler', 'InvalidStreamingOperation'];

// named makes an error of the runtime's own. Log lines show its class.
function named(type, message) {
  const name = style.modern && !type.endsWith('Error') && !short.includes(type) ? type + 'Error' : type;
  const kind = { [name]: class extends Error {} }[name];
  const error = new kind(message);
  Object.defineProperty(error, 'name', { value: 'Runtime.' + type, enumerable: style.modern, configurable: true, writable: true });
  error.stack = error.stack.replace(/^Error/, error.name);
  return error;
}

module.exports = { describe, lines, log, named, style };
