// Standard output and error, in such a way that nothing a function prints is
// overtaken by its answer. Node.js keeps what a pipe does not take at once and
// goes on; by the time the pipe has taken it, the invocation may be over.
'use strict';

const fs = require('fs');

const STDOUT = 1;

// used are the process's streams that somebody has asked for. Asking for one
// costs more than writing a line, so it is only noticed when others do.
const used = {};
// original is how standard output was written to when it was first asked for.
let original;

for (const name of ['stdout', 'stderr']) {
  const made = Object.getOwnPropertyDescriptor(process, name);
  if (made && made.get && made.configurable) {
    const get = () => {
      if (!used[name]) {
        used[name] = made.get.call(process);
        original = used.stdout && used.stdout.write;
      }
      return used[name];
    };
    Object.defineProperty(process, name, { configurable: true, enumerable: made.enumerable, get, set: made.set });
  }
}

const pause = new Int32Array(new SharedArrayBuffer(4));

// write writes text to standard output and returns when the pipe has it.
function write(text) {
  if (used.stdout && (waiting(used.stdout) || used.stdout.write !== original)) {
    used.stdout.write(text); // behind what came before, or where the function diverts it
    return;
  }
  let data = Buffer.from(text);
  while (data.length > 0) {
    try {
      data = data.subarray(fs.writeSync(STDOUT, data));
    } catch (error) {
      if (error.code !== 'EAGAIN') {
        return; // nobody reads any more
      }
      Atomics.wait(pause, 0, 0, 1);
    }
  }
}

function waiting(stream) {
  return Boolean(stream) && stream.writableLength > 0 && !stream.destroyed;
}

// flushed runs when the pipes have all that was written so far, at once when
// they have it already.
function flushed(run) {
  const streams = Object.values(used).filter(waiting);
  let left = streams.length;
  if (left === 0) {
    run();
    return;
  }
  for (const stream of streams) {
    stream.write('', () => {
      left--;
      if (left === 0) {
        run();
      }
    });
  }
}

module.exports = { write, flushed };
