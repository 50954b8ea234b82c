Promise.reject(new Error('the first'));
Promise.reject(new Error('the second'));
exports.handler = async () => 'not reached';
