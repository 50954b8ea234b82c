require('./syntax.js');
