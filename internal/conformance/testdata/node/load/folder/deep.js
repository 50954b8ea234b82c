exports.a = { b: { handler: async () => 'deep' } };
