// Handlers that stream their response.
import { Readable, pipeline as withCallback } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createDeflateRaw } from 'node:zlib';

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const streamed = (handler, options) => awslambda.streamifyResponse(handler, options);
const prelude = { statusCode: 201, headers: { 'x-a': 'b' }, cookies: ['c=d'] };

export const streams = streamed(async (_, out) => {
  for (const part of ['one,', 'two,', 'three']) {
    out.write(part);
    await sleep(20);
  }
  out.end();
});
export const streams_nothing = streamed(async (_, out) => {
  out.end();
});
export const streams_much = streamed(async (_, out) => {
  for (let i = 0; i < 1000; i++) {
    out.write('s'.repeat(1000));
  }
  out.end();
});
export const streams_bytes = streamed(async (_, out) => {
  out.write(Buffer.from([0, 255, 254]));
  out.end();
});
export const streams_http = streamed(async (_, out) => {
  const http = awslambda.HttpResponseStream.from(out, prelude);
  http.write('body');
  http.end();
});
export const streams_and_fails = streamed(async (_, out) => {
  out.write('half');
  await sleep(5);
  throw new Error('broken');
});

export const streams_values = streamed(async (_, out) => {
  out.write({ a: [1] });
  out.write(7);
  out.write(true);
  out.write(new Uint8Array([65]));
  out.write(new Uint16Array([66]));
  out.end();
});
export const streams_null = streamed(async (_, out) => {
  out.write(null);
  out.end();
});
export const streams_encoded = streamed(async (_, out) => {
  out.write('4142', 'hex');
  out.write('Qw==', 'base64', () => {});
  out.write('ü');
  out.end();
});
export const streams_an_end = streamed(async (_, out) => {
  out.write('a,');
  out.end('b');
});
export const streams_only_an_end = streamed(async (_, out) => {
  out.end('all of it');
});
export const streams_an_end_with_callback = streamed(async (_, out) => {
  out.write('a');
  await new Promise((resolve) => out.end(resolve));
  console.log('ended', out.writableEnded, out.writableFinished);
});
export const streams_an_object_at_the_end = streamed(async (_, out) => {
  out.end({ a: 1 });
});
export const streams_a_type = streamed(async (_, out) => {
  out.setContentType('text/html; charset=utf-8');
  out.write('<p>');
  out.end();
});
export const streams_a_type_too_late = streamed(async (_, out) => {
  out.write('a');
  out.setContentType('text/plain');
  out.end();
});
export const streams_http_without_write = streamed(async (_, out) => {
  awslambda.HttpResponseStream.from(out, prelude).end('body');
});
export const streams_http_without_body = streamed(async (_, out) => {
  const http = awslambda.HttpResponseStream.from(out, prelude);
  http.write('');
  http.end();
});
export const streams_http_is_the_same = streamed(async (_, out) => {
  const http = awslambda.HttpResponseStream.from(out, { statusCode: 204 });
  http.write(String(http === out));
  http.end();
});
export const streams_http_too_late = streamed(async (_, out) => {
  out.write('a');
  awslambda.HttpResponseStream.from(out, prelude);
  out.end();
});
export const streams_a_pipeline = streamed(async (_, out) => {
  await pipeline(Readable.from(['p', 'q', Buffer.from('r')]), out);
});
export const streams_a_pipe = streamed((_, out) => new Promise((resolve) => {
  Readable.from(['p', 'i', 'p', 'e']).pipe(out).on('finish', resolve);
}));
export const streams_a_pipeline_with_callback = streamed((_, out) => new Promise((resolve, reject) => {
  withCallback(Readable.from(['old']), out, (error) => (error ? reject(error) : resolve()));
}));
export const streams_compressed = streamed(async (_, out) => {
  await pipeline(Readable.from(['z'.repeat(1000)]), createDeflateRaw(), out);
});
export const streams_a_failing_pipeline = streamed(async (_, out) => {
  const source = async function* () {
    yield 'some';
    await sleep(5);
    throw new TypeError('source ran dry');
  };
  await pipeline(Readable.from(source()), out);
});
export const streams_much_with_care = streamed(async (_, out) => {
  let waited = 0;
  for (let i = 0; i < 200; i++) {
    if (!out.write('c'.repeat(10000))) {
      waited++;
      await new Promise((resolve) => out.once('drain', resolve));
    }
  }
  console.log('waited', waited > 0);
  out.end();
});
export const streams_with_a_mark = streamed(async (_, out) => {
  console.log('mark', out.writableHighWaterMark);
  out.write('a');
  console.log('mark', out.writableHighWaterMark);
  out.end();
}, { highWaterMark: 8 });
export const streams_and_tells = streamed(async (_, out, context) => {
  const tell = () => console.log(['writable', 'writableEnded', 'writableFinished', 'writableLength', 'writableNeedDrain',
    'writableObjectMode', 'writableCorked', 'destroyed'].map((key) => `${key}=${out[key]}`).join(' '));
  console.log(Object.keys(out).sort().join(), out.constructor.name);
  console.log(Object.keys(context).join());
  tell();
  console.log(out.write('a'));
  tell();
  out.end();
  tell();
});
export const streams_in_a_cork = streamed(async (_, out) => {
  out.cork();
  out.write('c');
  out.write('d');
  out.uncork();
  out.end();
});
export const streams_two_ends = streamed(async (_, out) => {
  out.write('a');
  out.end();
  out.end();
});
export const streams_and_destroys = streamed(async (_, out) => {
  out.write('a');
  await sleep(5);
  out.destroy(new Error('torn'));
});
export const streams_without_end = streamed(async (_, out) => {
  out.write('endless');
});
export const streams_not_at_all = streamed(async () => {});
export const streams_not_async = streamed((_, out) => {
  out.write('x');
  out.end();
});
export const streams_not_async_and_silent = streamed(() => 'value');
export const streams_and_returns = streamed(async (_, out) => {
  out.write('a');
  out.end();
  return 'ignored';
});
export const streams_and_fails_first = streamed(async () => {
  throw new RangeError('at the start');
});
export const streams_and_fails_at_once = streamed(() => {
  throw new RangeError('not async');
});
export const streams_and_fails_after_the_end = streamed(async (_, out) => {
  out.write('whole');
  out.end();
  throw new Error('too late');
});
export const streams_and_throws_text = streamed(async (_, out) => {
  out.write('half');
  throw 'plain';
});
export const streams_and_throws_uncaught = streamed(async (_, out) => {
  out.write('half');
  setTimeout(() => {
    throw new RangeError('from a timer');
  }, 200);
  await sleep(3000);
  out.end();
});
export const streams_and_rejects_unhandled = streamed(async (_, out) => {
  out.write('half');
  await sleep(200);
  Promise.reject(new RangeError('unhandled'));
  await sleep(3000);
  out.end();
});
export const streams_and_exits = streamed(async (_, out) => {
  out.write('half');
  await sleep(50);
  process.exit(3);
});
export const streams_and_times_out = streamed(async (_, out) => {
  out.write('half');
  await sleep(5000);
  out.end();
});
export const streams_the_event = streamed(async (event, out, context) => {
  out.write(JSON.stringify([event, context.awsRequestId]));
  out.end();
});
export const streams_once_more = streamed(async (event, out) => {
  if (event.fail) {
    throw new Error('this time');
  }
  out.write('fine');
  out.end();
});
export const streams_and_logs = streamed(async (_, out) => {
  console.log('before');
  out.write('a');
  console.log('between');
  out.end();
  console.log('after');
});
export const streams_the_wrong_way = async () => 'not reached';
streams_the_wrong_way[Symbol.for('aws.lambda.runtime.handler.streaming')] = 'request';
