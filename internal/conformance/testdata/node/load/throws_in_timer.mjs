setTimeout(() => {
  throw new Error('in a timer at the top');
}, 1);
await new Promise((resolve) => setTimeout(resolve, 3000));
export const handler = async () => 'not reached';
