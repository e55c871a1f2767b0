// Reads [{where, tex, display}] from standard input, writes those KaTeX refuses.
import katex from "katex";
import { readFileSync } from "node:fs";

const faults = [];
for (const { where, tex, display } of JSON.parse(readFileSync(0, "utf8"))) {
  try {
    katex.renderToString(tex, {
      displayMode: display,
      throwOnError: true,
      strict: "error",
    });
  } catch (error) {
    faults.push({ where, tex, error: error.message });
  }
}
console.log(JSON.stringify(faults));
