exports.number = 3;
exports.empty = undefined;
exports.nothing = null;
exports.handler = async () => 'fine';
