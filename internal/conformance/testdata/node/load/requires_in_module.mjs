const fs = require('fs');
export const handler = async () => fs;
