import { readFileSync } from 'node:fs';
export const handler = async () => [typeof require, typeof readFileSync, import.meta.url.split('/').pop()];
