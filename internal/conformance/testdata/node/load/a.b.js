exports.handler = async () => 'not found by two dots';
