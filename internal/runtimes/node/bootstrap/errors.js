// Error objects as AWS's Node.js runtimes report them.
'use strict';

const util = require('util');

// own is in every stack frame of these files, and in no other.
const own = __dirname;

// style is how the runtimes differ: those from Node.js 24 on are modern.
const style = { modern: false };

// lines splits a stack. It leaves out where the bootstrap made the error, and
// ends where the bootstrap called the function.
function lines(stack) {
  const all = stack.split('\n');
  const isOwn = (line) => /^\s+at /.test(line) && line.includes(own);
  const first = all.findIndex((line) => /^\s+at /.test(line));
  if (first < 0) {
    return all;
  }
  let start = first;
  while (start < all.length && isOwn(all[start])) {
    start++;
  }
  const rest = all.slice(start);
  const end = rest.findIndex(isOwn);
  return all.slice(0, first).concat(end < 0 ? rest : rest.slice(0, end));
}

// clean keeps DEL out of texts that may become header values.
function clean(text) {
  return typeof text === 'string' ? text.replace(/\x7F/g, '%7F') : text;
}

function looksLikeError(value) {
  return Boolean(value) && ['name', 'message', 'stack'].every((key) => typeof value[key] === 'string' && value[key] !== '');
}

// describe is the object that a failed invocation answers with.
function describe(error) {
  try {
    if (util.types.isNativeError(error) || error instanceof Error || looksLikeError(error)) {
      const trace = typeof error.stack === 'string' ? lines(clean(error.stack)) : [];
      return { errorType: clean(error.name), errorMessage: clean(error.message), trace };
    }
    return { errorType: typeof error, errorMessage: String(error), trace: [] };
  } catch (_) {
    return { errorType: 'handled', errorMessage: 'the error could not be read: its name, message or stack throws', trace: [] };
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
  if (console.fatal.json) {
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

// named makes an error of the runtime's own. Log lines show its class.
function named(type, message) {
  const name = style.modern && !type.endsWith('Error') ? type + 'Error' : type;
  const kind = { [name]: class extends Error {} }[name];
  const error = new kind(message);
  Object.defineProperty(error, 'name', { value: 'Runtime.' + type, enumerable: style.modern });
  error.stack = `Runtime.${type}: ${message}`;
  return error;
}

module.exports = { describe, lines, log, named, style };
