const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
await wait(5);
await Promise.reject(new TypeError('awaited at the top'));
export const handler = async () => 'not reached';
