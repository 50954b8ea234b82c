// What handlers print. An ES module, as are the streams.
import { spawnSync } from 'node:child_process';
import { Worker } from 'node:worker_threads';
import util from 'node:util';

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export const prints = async () => {
  process.stdout.write('a line\n');
};
export const prints_to_stderr = async () => {
  process.stderr.write('an error line\n');
};
export const prints_lines = async () => {
  process.stdout.write('one\ntwo\nthree\n');
};
export const prints_unicode = async () => {
  process.stdout.write('grüß 日本 😀\n');
};
export const prints_without_end = async () => {
  process.stdout.write('open end');
};
export const prints_wide = async () => {
  process.stdout.write('w'.repeat(100000) + '\n');
};
export const prints_much = async () => {
  for (let i = 0; i < 100; i++) {
    process.stdout.write('l'.repeat(1000) + 'abcdefghijklmnopqrstuvwxyz'[i % 26] + '\n');
  }
};
export const prints_in_turn = async () => {
  process.stdout.write('out 1\n');
  process.stderr.write('err 1\n');
  process.stdout.write('out 2\n');
  process.stderr.write('err 2\n');
};
export const prints_before_timeout = async () => {
  console.log('early');
  await sleep(5000);
  console.log('never');
};

export const logs = async () => {
  console.log('plain');
};
export const logs_each_level = async () => {
  console.trace('t');
  console.debug('d');
  console.info('i');
  console.log('l');
  console.warn('w');
  console.error('e');
  console.fatal('f');
};
export const logs_each_level_as_json = logs_each_level;
export const logs_from_warn_on = logs_each_level;
export const logs_from_fatal_on = logs_each_level;
export const logs_from_an_odd_level_on = logs_each_level;
export const logs_from_debug_on_as_text = logs_each_level;
export const logs_nothing = async () => {
  console.log();
  console.error('');
  console.info(undefined);
  console.warn(null);
};
export const logs_nothing_as_json = logs_nothing;
export const logs_values = async () => {
  console.log('%s is %d, %i, %f, %j, %o, %O, %c and %%', 'a', 1.5, 2.5, '3.5', { j: 1 }, [1], { b: { c: { d: {} } } }, 'css', 'rest');
  console.log({ a: 1 }, [2], 'three', 4, null, undefined, true, Symbol('s'), 5n, () => {});
  console.log('a%', 'b');
  console.log(new Map([[1, { a: 2 }]]), new Set([1]), new Date(0), /r/g, Buffer.from('b'));
  console.log(['a'.repeat(100), 'b'.repeat(100)]);
  console.log(7);
  console.log([1, 2]);
  console.log(false);
};
export const logs_values_as_json = logs_values;
export const logs_lines = async () => {
  console.log('first\nsecond\n\nfourth\n');
  console.log({ text: 'with a\nline feed', more: 'x'.repeat(80) });
  console.log('tab\tand\rreturn');
};
export const logs_lines_as_json = logs_lines;
export const logs_unicode = async () => {
  console.log('grüß 日本 😀 \u2028 \u0000 \u001b[1m \ud800');
};
export const logs_unicode_as_json = logs_unicode;
export const logs_wide = async () => {
  console.log('v'.repeat(300000));
};
export const logs_error = async () => {
  console.error(new Error('shown'));
  console.error('with text', new TypeError('shown too'));
  console.warn(new RangeError('first'), new Error('second'));
  console.log(Object.assign(new Error('with code'), { code: 'E1', more: { a: 1 } }));
  console.log(new Error('outer', { cause: new Error('inner') }));
  console.log({ error: new Error('inside') });
  console.log('%s', new Error('formatted'));
};
export const logs_error_as_json = logs_error;
export const logs_odd_errors = async () => {
  console.error(Object.assign(new Error('no stack'), { stack: undefined }));
  console.error('and', Object.assign(new Error('no stack'), { stack: 5 }));
  console.error(new (class extends Error {})('no class'));
  console.error(Object.assign(new Error('named'), { name: 'Named' }));
  console.error(new AggregateError([new Error('one')], 'several'));
};
export const logs_odd_errors_as_json = logs_odd_errors;
export const logs_circular_as_json = async () => {
  const value = { a: 1 };
  value.value = value;
  console.log(value);
  console.log({ n: 1n });
  console.log('and', value);
  console.log({ toJSON: () => 'own' });
  console.log({ toJSON: () => { throw new Error('no'); } });
};
export const logs_tenant = async () => {
  console.log('of a tenant');
};
export const logs_tenant_as_json = logs_tenant;
export const logs_stack = async () => {
  console.log(new Error('here').stack);
};
export const logs_stack_at_once = () => {
  console.log(new Error('at once').stack);
  return Promise.resolve();
};
export const logs_by_other_methods = async () => {
  console.dir({ a: { b: { c: { d: 1 } } } }, { depth: 0 });
  console.table([{ a: 1 }]);
  console.group('group');
  console.log('grouped');
  console.dir('inner');
  console.groupEnd();
  console.count();
  console.count('c');
  console.countReset('c');
  console.assert(true, 'not said');
  console.assert(false, 'said', 1);
  console.dirxml('xml');
};
export const logs_by_other_methods_as_json = logs_by_other_methods;
export const logs_methods = async () => [console.log === console.info, typeof console.fatal, Object.keys(console).length];
export const logs_by_a_console_of_its_own = async () => {
  new console.Console(process.stdout, process.stderr).error('its own');
  new console.Console({ stdout: process.stdout }).log('its own, too');
};
export const logs_through_a_patched_stdout = async () => {
  const write = process.stdout.write;
  const seen = [];
  process.stdout.write = (text) => seen.push(text.split('\t').slice(2).join());
  console.log('seen');
  process.stdout.write = write;
  return seen;
};
export const logs_through_a_patched_console = async () => {
  const { info } = console;
  const seen = [];
  console.info = (...all) => seen.push(all);
  console.info('a', 1);
  console.info = info;
  console.log('b');
  return seen;
};
export const logs_in_turn = async () => {
  console.log('one');
  process.stdout.write('two\n');
  console.error('three');
  process.stderr.write('four\n');
  console.log('five');
};
export const logs_much = async () => {
  for (let i = 0; i < 2000; i++) {
    console.log(i, 'm'.repeat(100));
  }
};
export const logs_a_level_of_its_own = async () => {
  process.emitWarning('mind the gap', { code: 'GAP' });
  await sleep(1);
};
export const logs_deprecation = async () => {
  util.deprecate(() => {}, 'old', 'OLD1')();
  await sleep(1);
};
export const logs_from_a_worker = () => new Promise((resolve, reject) => {
  const worker = new Worker('console.log("from the worker"); require("worker_threads").parentPort.postMessage(typeof awslambda)', { eval: true });
  let said;
  worker.on('message', (message) => (said = message));
  worker.on('error', reject);
  worker.on('exit', () => resolve(said));
});
export const fails_in_a_worker = () => new Promise((_, reject) => {
  new Worker('throw new RangeError("in the worker")', { eval: true }).on('error', reject);
});
export const logs_from_a_process = async () => {
  const { status } = spawnSync(process.execPath, ['-e', 'console.log("from a process"); process.exit(3)'], { stdio: 'inherit' });
  return status;
};
export const logs_after_callback_of_write = () => new Promise((resolve) => {
  process.stdout.write('written\n', () => resolve('called back'));
});
export const closes_stdout = async (event) => {
  if (event.close) {
    process.stdout.destroy();
  }
  process.stdout.write('lost\n');
  console.error('and found');
  return 'fine';
};
