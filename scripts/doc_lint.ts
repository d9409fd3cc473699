// deno-lint-ignore-file no-console
/**
 * Checks the documentation of everything that the package exports, by `deno doc --lint`. It wants every
 * type in sight to be an export of ours; those of the packages that we return objects of cannot be.
 *
 * @module
 */

import config from "../deno.json" with { type: "json" };

/** What it has to say about types of other packages. */
const FOREIGN = ["public type 'dashboard' references private type 'Hono'"];

const { code, stderr } = await new Deno.Command(Deno.execPath(), {
  args: ["doc", "--lint", ...Object.values(config.exports)],
  env: { NO_COLOR: "1" },
  stdout: "null",
  stderr: "piped",
}).output();
const output = new TextDecoder().decode(stderr);
const findings = output.split(/^(?=error\[)/m).filter((part) => part.startsWith("error["));
const ours = findings.filter((finding) => !FOREIGN.some((foreign) => finding.includes(foreign)));
for (const finding of ours) console.error(finding);
// If it failed for another reason, such as an import that is missing.
if (code !== 0 && findings.length === 0) console.error(output);
Deno.exit(ours.length > 0 || code !== 0 && findings.length === 0 ? 1 : 0);
