'use strict';

console.log('loading');
exports.prints_at_init = async () => 'loaded';
