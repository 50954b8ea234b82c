// A pipe takes 64 KiB at once; what is behind, Node.js writes when it has
// nothing else to do, and AWS's client has answered by then. This way nothing
// that handlers print is behind their answer, or lost.
'use strict';

for (const { _handle: handle } of [process.stdout, process.stderr]) {
  if (handle && handle.setBlocking) {
    handle.setBlocking(true);
  }
}
