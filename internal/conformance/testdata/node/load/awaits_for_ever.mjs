await new Promise(() => {});
export const handler = async () => 'not reached';
