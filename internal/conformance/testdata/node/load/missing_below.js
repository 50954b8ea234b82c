require('./folder/not-there.js');
