import { setTimeout } from 'node:timers/promises';

Promise.reject(new Error('nobody at the top'));
await setTimeout(3000);
export const handler = async () => 'not reached';
