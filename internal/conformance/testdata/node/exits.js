// Handlers that end their process, or would need more time than they have.
'use strict';

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

exports.exits = async () => process.exit();
exports.exits_with_3 = async () => process.exit(3);
exports.exits_with_255 = async () => process.exit(255);
exports.killed = async () => {
  process.kill(process.pid, 'SIGKILL');
  await sleep(5000);
};
exports.terminated = async () => {
  process.kill(process.pid, 'SIGTERM');
  await sleep(5000);
};
exports.exits_after_output = async () => {
  console.log('last words');
  process.exit(5);
};
exports.exits_once = async (event) => {
  if (event.exit) {
    process.exit(6);
  }
  return 'fine';
};
exports.times_out = () => sleep(5000);
exports.times_out_busy = async () => {
  for (const end = Date.now() + 5000; Date.now() < end;);
};

exports.exits_at_its_end = async () => {
  process.on('exit', (status) => console.log('ends with', status));
  process.exit(7);
};
exports.exits_with_set_code = async () => {
  process.exitCode = 9;
  process.exit();
};
exports.aborts = async () => process.abort();
exports.exits_in_a_timer = () => {
  setTimeout(() => process.exit(8), 5);
  return sleep(5000);
};
exports.exits_after_much_output = async () => {
  for (let i = 0; i < 1000; i++) {
    console.log('o'.repeat(1000));
  }
  process.exit(2);
};
