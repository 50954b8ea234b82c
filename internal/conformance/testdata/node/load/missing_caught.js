let found = true;
try {
  require('not-there');
} catch (_) {
  found = false;
}
exports.handler = async () => found;
