import { notThere } from './values.js';
export const handler = async () => notThere;
