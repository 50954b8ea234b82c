// What a handler may return.
'use strict';

exports.echo = async (event) => event;
exports.echo_null = exports.echo;
exports.echo_text = exports.echo;
exports.echo_number = exports.echo;
exports.echo_list = exports.echo;
exports.echo_unicode = exports.echo;
exports.echo_long = exports.echo;
exports.returns_null = async () => null;
exports.returns_true = async () => true;
exports.returns_integer = async () => 42;
exports.returns_negative = async () => -7;
exports.returns_fraction = async () => 0.1;
exports.returns_text = async () => 'text';
exports.returns_empty_text = async () => '';
exports.returns_unicode = async () => 'ü 日 😀\n';
exports.returns_empty_list = async () => [];
exports.returns_list = async () => [1, 'two', null, true];
exports.returns_empty_object = async () => ({});
exports.returns_nested = async () => ({ a: { b: { c: [{ d: 1 }] } } });
exports.returns_long = async () => 'x'.repeat(1000000);
exports.returns_largest = async () => 'x'.repeat(6 * 1024 * 1024 + 98);
exports.returns_too_much = async () => 'x'.repeat(6 * 1024 * 1024 + 99);
let count = 0;
exports.counts = async () => ++count;
exports.returns_big_integer = async (event) => event.n;
exports.sleeps = () => new Promise((resolve) => setTimeout(resolve, 50, 'slept'));

exports.returns_nothing = async () => {};
exports.returns_promise = () => Promise.resolve({ a: 1 });
exports.returns_thenable = () => ({ then: (resolve) => resolve('then') });
exports.returns_rejecting_thenable = () => ({ then: (_, reject) => reject(new Error('no then')) });
exports.returns_date = async () => new Date(0);
exports.returns_map = async () => new Map([[1, 2]]);
exports.returns_nan = async () => [NaN, Infinity, -0];
exports.returns_undefined_members = async () => ({ a: undefined, b: [undefined], c() {} });
exports.returns_buffer = async () => Buffer.from('ab');
exports.returns_lone_surrogate = async () => 'a\ud800b';
exports.returns_separators = async () => '\u2028\u2029\u007f';
exports.returns_to_json = async () => ({ toJSON: () => 'own' });
exports.returns_error = async () => new RangeError('not thrown');
exports.returns_bigint = async () => ({ n: BigInt(1) });
exports.returns_circular = async () => {
  const value = {};
  value.value = value;
  return value;
};
exports.returns_function = async () => () => {};
exports.returns_symbol = async () => Symbol('s');
exports.returns_failing_to_json = async () => ({
  toJSON() {
    throw new Error('not today');
  },
});
exports.returns_after_microtasks = async () => {
  for (let i = 0; i < 10; i++) {
    await null;
  }
  return 'done';
};
exports.changes_event = async (event) => Object.assign(event, { changed: !event.changed });
