'use strict';

process.exit(4);
exports.exits_at_init = async () => 'not reached';
