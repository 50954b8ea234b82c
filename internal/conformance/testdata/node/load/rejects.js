Promise.reject(new Error('nobody at the top'));
exports.handler = async () => 'not reached';
