exports.handler = async () => 'spaced';
