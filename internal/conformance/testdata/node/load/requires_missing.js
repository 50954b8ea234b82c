require('./missing.js');
