// Prints hyperfine's results as one table: node report.js RESULT.json... Results of one name are put together; rows stand
// in the order of the numbers that the files' names end in.
"use strict";
const { readFileSync } = require("fs");

const rows = new Map();
const number = (file) => Number(/(\d+)\.json$/.exec(file)[1]);
for (const file of process.argv.slice(2).sort((a, b) => number(a) - number(b))) {
  const { command, times } = JSON.parse(readFileSync(file, "utf8")).results[0];
  rows.set(command, (rows.get(command) ?? []).concat(times));
}

const bare = {};
const widths = [36, 10, 10, 10, 10, 6];
const line = (...cells) => console.log(cells.map((c, i) => (i ? c.padStart(widths[i]) : c.padEnd(widths[i]))).join(""));
const over = (ms, base) => (base === undefined ? "" : (ms >= base ? "+" : "") + (ms - base).toFixed(1));

console.log("\nmilliseconds");
line("command", "median", "over bare", "least", "stddev", "runs");
for (const [command, seconds] of rows) {
  const times = seconds.map((s) => s * 1000).sort((a, b) => a - b);
  const n = times.length;
  const median = (times[Math.floor((n - 1) / 2)] + times[Math.ceil((n - 1) / 2)]) / 2;
  const mean = times.reduce((a, b) => a + b) / n;
  const stddev = Math.sqrt(times.reduce((a, b) => a + (b - mean) ** 2, 0) / Math.max(n - 1, 1));
  const [group, name] = command.split(": ");
  line(command, median.toFixed(1), over(median, bare[group]), times[0].toFixed(1), stddev.toFixed(1), String(n));
  if (name === "bare") bare[group] = median;
}
