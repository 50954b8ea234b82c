module.exports = Object.fromEntries([['handler', async () => 'computed']]);
