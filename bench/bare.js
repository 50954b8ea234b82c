// Runs a handler once with nothing around it: node bare.js HANDLER.js EVENT.json
"use strict";
const { readFileSync } = require("fs");

const [, , file, event] = process.argv;
const context = { functionName: "bare" };
Promise.resolve(require(file).handler(JSON.parse(readFileSync(event, "utf8")), context)).then(
  (result) => console.log(JSON.stringify(result)),
);
