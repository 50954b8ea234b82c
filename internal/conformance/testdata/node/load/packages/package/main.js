exports.handler = async () => 'package';
