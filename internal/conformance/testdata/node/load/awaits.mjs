import { setTimeout } from 'node:timers/promises';

console.log('awaiting');
const value = await setTimeout(20, 'awaited');
export const handler = async () => value;
