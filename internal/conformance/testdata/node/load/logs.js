console.log('at the top', 1);
console.error(new Error('shown at the top'));
console.debug({ a: 1 });
exports.handler = async () => console.log('later');
