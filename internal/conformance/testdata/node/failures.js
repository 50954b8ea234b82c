// How a handler may fail.
'use strict';

exports.fails = async () => {
  throw new Error('boom');
};
class OwnError extends Error {
  constructor(message) {
    super(message);
    this.name = 'OwnError';
  }
}
exports.fails_with_own_type = async () => {
  throw new OwnError('own');
};
exports.fails_with_unicode = async () => {
  throw new Error('über 日本 😀');
};
exports.fails_with_lines = async () => {
  throw new Error('first\nsecond');
};
exports.fails_with_cause = async () => {
  throw new Error('outer', { cause: new Error('inner') });
};
exports.fails_with_long_message = async () => {
  throw new Error('m'.repeat(100000));
};
function deepest() {
  throw new Error('deep down');
}
const deeper = () => deepest();
const deep = () => deeper();
exports.fails_deep = async () => deep();
exports.fails_once = async (event) => {
  if (event.fail) {
    throw new Error('once');
  }
  return 'fine';
};
exports.fails_after_output = async () => {
  console.log('before');
  throw new Error('after');
};

exports.fails_at_once = () => {
  throw new TypeError('not async');
};
exports.fails_later = async () => {
  await new Promise((resolve) => setTimeout(resolve, 5));
  throw new RangeError('after a while');
};
exports.fails_in_a_call_later = async () => {
  const later = async () => {
    await new Promise((resolve) => setImmediate(resolve));
    throw new Error('from below');
  };
  await later();
};
exports.fails_in_a_promise = () => Promise.reject(new Error('rejected'));
exports.fails_by_a_bug = async (event) => event.missing.member;
exports.fails_in_json = async () => JSON.parse('{');
exports.fails_in_a_file = async () => require('fs').readFileSync('/no/such/file');
exports.fails_unnamed = async () => {
  throw new (class extends Error {})('unnamed');
};
exports.fails_with_class_name = async () => {
  class Special extends Error {}
  throw new Special('special');
};
exports.fails_with_code = async () => {
  throw Object.assign(new Error('coded'), { code: 'E_CODE', detail: { a: [1] }, when: new Date(0) });
};
exports.fails_with_many = async () => {
  throw new AggregateError([new Error('one'), new TypeError('two')], 'many');
};
exports.fails_with_circular_cause = async () => {
  const error = new Error('round');
  error.cause = error;
  error.self = error;
  throw error;
};
exports.fails_with_bigint = async () => {
  throw Object.assign(new Error('big'), { n: BigInt(1) });
};
exports.fails_without_stack = async () => {
  const error = new Error('stackless');
  delete error.stack;
  error.stack = undefined;
  throw error;
};
exports.fails_with_own_stack = async () => {
  throw Object.assign(new Error('own stack'), { stack: 'line 1\nline 2' });
};
exports.fails_with_number_as_name = async () => {
  throw Object.assign(new Error('numbered'), { name: 7 });
};
exports.fails_with_empty_message = async () => {
  throw new Error();
};
exports.fails_with_del = async () => {
  throw new Error('a\x7fb');
};
exports.fails_with_getter = async () => {
  const error = new Error('hidden');
  Object.defineProperty(error, 'message', {
    get() {
      throw new Error('no message for you');
    },
  });
  throw error;
};
exports.fails_with_frozen = async () => {
  throw Object.freeze(new Error('frozen'));
};
exports.fails_like_an_error = async () => {
  throw { name: 'Lookalike', message: 'like one', stack: 'Lookalike: like one\n    at nowhere' };
};
exports.fails_with_heir = async () => {
  throw Object.assign(Object.create(Error.prototype), { message: 'an heir' });
};
exports.fails_in_another_realm = async () => {
  require('vm').runInNewContext('throw new TypeError("from afar")');
};
exports.fails_with_dom_exception = async () => {
  throw new DOMException('of the DOM', 'AbortError');
};
exports.throws_text = async () => {
  throw 'plain';
};
exports.throws_number = async () => {
  throw 17;
};
exports.throws_false = async () => {
  throw false;
};
exports.throws_object = async () => {
  throw { a: 1 };
};
exports.throws_list = async () => {
  throw [1, 2];
};
exports.throws_function = async () => {
  throw function own() {};
};
exports.throws_null = async () => {
  throw null;
};
exports.throws_undefined = async () => {
  throw undefined;
};
exports.throws_symbol = async () => {
  throw Symbol('token');
};
exports.throws_bare_object = async () => {
  throw Object.create(null);
};
exports.throws_undefined_at_once = () => {
  throw undefined;
};
exports.throws_symbol_at_once = () => {
  throw Symbol('token');
};
exports.throws_text_at_once = () => {
  throw 'plainly';
};

const forever = () => new Promise((resolve) => setTimeout(resolve, 3000));
exports.rejects_unhandled = () => {
  Promise.reject(new RangeError('nobody cares'));
  return forever();
};
exports.rejects_unhandled_text = () => {
  Promise.reject('nobody reads');
  return forever();
};
exports.rejects_unhandled_undefined = () => {
  Promise.reject();
  return forever();
};
exports.rejects_unhandled_object = () => {
  Promise.reject({ a: 1 });
  return forever();
};
exports.rejects_unhandled_twice = () => {
  Promise.reject(new Error('the first'));
  Promise.reject(new Error('the second'));
  return forever();
};
exports.rejects_handled_late = async () => {
  const late = Promise.reject(new Error('in time'));
  await null;
  late.catch(() => {});
  return 'fine';
};
exports.throws_uncaught = () => {
  setTimeout(() => {
    throw new RangeError('out of reach');
  }, 5);
  return forever();
};
exports.throws_uncaught_text = () => {
  setTimeout(() => {
    throw 'text out of reach';
  }, 5);
  return forever();
};
exports.throws_uncaught_undefined = () => {
  setTimeout(() => {
    throw undefined;
  }, 5);
  return forever();
};
exports.emits_error = () => {
  setTimeout(() => new (require('events'))().emit('error', new Error('not listened to')), 5);
  return forever();
};
exports.catches_uncaught = async () => {
  process.once('uncaughtException', (error) => console.log('caught', error.message));
  process.removeAllListeners('uncaughtException');
  const caught = new Promise((resolve) => process.once('uncaughtException', (error) => resolve(error.message)));
  setImmediate(() => {
    throw new Error('by itself');
  });
  return caught;
};
exports.never_settles = () => new Promise(() => {});
