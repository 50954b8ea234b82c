// Prints hyperfine's results as one table: node report.js RESULT.json...
"use strict";
const { readFileSync } = require("fs");

const bare = {};
const widths = [36, 10, 10, 10, 10, 6];
const line = (...cells) => console.log(cells.map((c, i) => (i ? c.padStart(widths[i]) : c.padEnd(widths[i]))).join(""));
const over = (ms, base) => (base === undefined ? "" : (ms >= base ? "+" : "") + (ms - base).toFixed(1));

console.log("\nmilliseconds");
line("command", "median", "over bare", "least", "stddev", "runs");
for (const file of process.argv.slice(2)) {
  const { command, median, min, stddev, times } = JSON.parse(readFileSync(file, "utf8")).results[0];
  const [group, name] = command.split(": ");
  const ms = median * 1000;
  line(command, ms.toFixed(1), over(ms, bare[group]), (min * 1000).toFixed(1), (stddev * 1000).toFixed(1), String(times.length));
  if (name === "bare") bare[group] = ms;
}
