// Handlers in the style of before promises, for Node.js up to 22.
'use strict';

exports.calls_back = (event, context, callback) => callback(null, { a: 1 });
exports.calls_back_later = (event, context, callback) => {
  setTimeout(callback, 20, null, 'later');
};
exports.calls_back_nothing = (event, context, callback) => callback();
exports.calls_back_twice = (event, context, callback) => {
  callback(null, 'first');
  callback(null, 'second');
};
exports.calls_back_an_error = (event, context, callback) => callback(new TypeError('handed over'));
exports.calls_back_an_error_later = (event, context, callback) => {
  setTimeout(callback, 5, new TypeError('handed over later'));
};
exports.calls_back_text = (event, context, callback) => callback('oops');
exports.calls_back_false = (event, context, callback) => callback(false, 'not used');
exports.calls_back_zero = (event, context, callback) => callback(0);
exports.calls_back_an_object = (event, context, callback) => callback({ message: 'no error' });
exports.calls_back_an_error_and_value = (event, context, callback) => callback(new Error('and a value'), 'value');
exports.calls_back_undefined_error = (event, context, callback) => callback(undefined, 'value');
exports.calls_back_an_error_twice = (event, context, callback) => {
  callback(new Error('the first'));
  callback(new Error('the second'));
};
exports.calls_back_and_throws = (event, context, callback) => {
  callback(null, 'value');
  throw new Error('not heard');
};
exports.calls_back_and_throws_later = (event, context, callback) => {
  callback(null, 'value');
  setTimeout(() => {
    throw new Error('heard');
  }, 5);
};
exports.calls_back_and_works_on = (event, context, callback) => {
  callback(null, 'value');
  setTimeout(() => console.log('still at work'), 50);
};
exports.calls_back_and_leaves_work = (event, context, callback) => {
  context.callbackWaitsForEmptyEventLoop = false;
  setInterval(() => {}, 1000);
  callback(null, 'at once');
};
exports.calls_back_without_waiting_later = (event, context, callback) => {
  context.callbackWaitsForEmptyEventLoop = false;
  setInterval(() => {}, 1000);
  setTimeout(callback, 5, null, 'later');
};
exports.waits_for_ever = (event, context, callback) => {
  setInterval(() => {}, 1000);
  callback(null, 'never');
};
exports.calls_back_circular = (event, context, callback) => {
  const value = {};
  value.value = value;
  callback(null, value);
};
exports.calls_back_circular_at_once = (event, context, callback) => {
  context.callbackWaitsForEmptyEventLoop = false;
  const value = {};
  value.value = value;
  callback(null, value);
};
exports.calls_back_a_function = (event, context, callback) => callback(null, () => {});
exports.succeeds = (event, context) => context.succeed({ s: 1 });
exports.succeeds_later = (event, context) => {
  setTimeout(context.succeed, 5, 'later');
};
exports.succeeds_with_nothing = (event, context) => context.succeed();
exports.succeeds_and_works_on = (event, context) => {
  const worked = setTimeout(() => console.log('worked on'), 20);
  context.succeed('at once');
  if (event.stop) {
    clearTimeout(worked);
  }
};
exports.succeeds_circular = (event, context) => {
  const value = {};
  value.value = value;
  context.succeed(value);
};
exports.succeeds_circular_later = (event, context) => {
  const value = {};
  value.value = value;
  setTimeout(context.succeed, 5, value);
};
exports.is_done = (event, context) => context.done(null, 'done');
exports.is_done_with_an_error = (event, context) => context.done(new Error('done in'));
exports.fails_by_context = (event, context) => context.fail(new RangeError('by context'));
exports.fails_without_reason = (event, context) => context.fail();
exports.fails_with_a_text = (event, context) => context.fail('a text');
exports.fails_then_succeeds = (event, context) => {
  context.fail(new Error('first'));
  context.succeed('second');
};
exports.succeeds_then_calls_back = (event, context, callback) => {
  context.succeed('first');
  callback(null, 'second');
};
exports.calls_back_then_succeeds = (event, context, callback) => {
  callback(null, 'first');
  context.succeed('second');
};
exports.returns_and_calls_back = (event, context, callback) => {
  setTimeout(callback, 5, null, 'called');
  return 'returned';
};
exports.promises_and_calls_back = async (event, context, callback) => {
  callback(null, 'called');
  return 'promised';
};
exports.promises_and_calls_back_an_error = async (event, context, callback) => {
  callback(new Error('called with'));
  return 'promised';
};
exports.promises_and_succeeds = async (event, context) => {
  context.succeed('succeeded');
  return 'promised';
};
exports.promises_for_ever_and_calls_back = (event, context, callback) => {
  setTimeout(callback, 5, null, 'called');
  return new Promise(() => {});
};
exports.returns_a_value = () => 'value';
exports.returns_a_value_and_works_on = () => {
  setTimeout(() => console.log('before the answer'), 20);
  return 'value';
};
exports.never_calls_back = (event, context, callback) => {};
exports.never_settles_after_work = () => {
  setTimeout(() => console.log('worked'), 20);
  return new Promise(() => {});
};
exports.throws_null_at_once = () => {
  throw null;
};
exports.promises_and_leaves_work = async () => {
  setTimeout(() => console.log('in the next one, or never'), 600000);
  return 'value';
};
let late;
exports.calls_back_in_the_next = (event, context, callback) => {
  if (late) {
    late(null, 'of before');
    context.callbackWaitsForEmptyEventLoop = false;
    callback(null, 'of now');
    return undefined;
  }
  late = callback;
  return Promise.resolve('first');
};
let never;
exports.calls_back_after_null = (event, context, callback) => {
  if (never) {
    never(null, 'of before');
    callback(null, 'of now');
    return;
  }
  never = callback;
};
exports.calls_back_before_exit = (event, context, callback) => {
  process.once('beforeExit', () => console.log('before the exit'));
  callback(null, 'value');
};
const storage = new (require('async_hooks').AsyncLocalStorage)();
exports.storage_is_left = async () => {
  const before = storage.getStore();
  storage.enterWith('left');
  return before;
};
exports.has_three_parameters = async (event, context, callback) => typeof callback;
exports.context_waits = async (event, context) => {
  const before = context.callbackWaitsForEmptyEventLoop;
  context.callbackWaitsForEmptyEventLoop = false;
  return [before, context.callbackWaitsForEmptyEventLoop];
};
exports.keeps_own_symbols = async () => [
  globalThis[Symbol.for('aws.lambda.runtime.requestId')], typeof globalThis[Symbol.for('aws.lambda.beforeExit')],
];
exports.streams_and_leaves_work = (event, out, context) => {
  context.callbackWaitsForEmptyEventLoop = false;
  setInterval(() => {}, 1000);
  out.write('a');
  out.end();
  return Promise.resolve();
};
exports.streams_and_works_on = async (event, out) => {
  setTimeout(() => console.log('streamed and worked on'), 50);
  out.write('a');
  out.end();
};
for (const name of ['streams_and_leaves_work', 'streams_and_works_on']) {
  awslambda.streamifyResponse(exports[name]);
}
