process.nextTick(() => {
  throw new Error('in the next tick');
});
exports.handler = async () => 'not reached';
