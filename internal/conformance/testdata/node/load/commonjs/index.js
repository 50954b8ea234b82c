exports.handler = async () => [typeof require, typeof module];
