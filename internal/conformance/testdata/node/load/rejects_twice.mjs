import { setTimeout } from 'node:timers/promises';

Promise.reject(new Error('the first'));
Promise.reject(new Error('the second'));
await setTimeout(3000);
export const handler = async () => 'not reached';
