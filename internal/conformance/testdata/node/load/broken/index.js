exports.handler = async () => 'all the same';
