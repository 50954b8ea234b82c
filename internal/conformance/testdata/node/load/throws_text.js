throw 'text at the top';
