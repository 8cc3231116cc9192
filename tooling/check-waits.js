/**
 * Holds every wait to `packages/concurrency`, where it belongs to a scope, can be cancelled and has a deadline: no timer,
 * no race whose losers run on, no resolver kept for a callback, no floating and no swallowed promise elsewhere. Reads
 * the `src` of packages and apps and the tooling itself; tests, examples and benches are free. Run by `pnpm lint`; exits
 * 1 if anything is found.
 *
 * Two checks share the work. The type-aware lint (`no-floating-promises`, as .oxlintrc.json sets it) knows types: it
 * refuses the bare call whose promise nobody takes, and `no-misused-promises` the async function where none is expected.
 * But it takes `void f()`, `.catch(f)` and `.then(f, g)` as care taken, whatever the handler does. This check knows no
 * types and refuses just these forms, with the timers, races and callbacks that no lint rule names. It does not see a
 * promise that is kept in a variable and never awaited, a handler that another file exports, or a catch block that does
 * something.
 *
 * A place that has to wait on its own says why on the line above: `// waits: <reason>`.
 */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import { reportFindings } from './findings.ts'
import { checkFile } from './waits/file.ts'
import { packageFolders, workspaceRoot } from './workspace.ts'
/** The package that all waits go through, and that may use what they are made of. */
const home = 'packages/concurrency'
/** Checks the workspace at `root`. */
export function checkWaits(root) {
  const sources = packageFolders(root)
    .filter((folder) => folder !== home)
    .flatMap((folder) => filesBelow(root, `${folder}/src`))
  const tooling = filesBelow(root, 'tooling').filter((file) => !file.startsWith('tooling/test/'))
  return [...sources, ...tooling].flatMap((file) => checkFile(file, readFileSync(join(root, file), 'utf8')))
}
/** The source files below a folder, as paths from the root with `/`, in the order of their names. */
function filesBelow(root, folder) {
  const cwd = join(root, folder)
  if (!existsSync(cwd)) return []
  return globSync('**/*.{ts,tsx,mts,cts,js,mjs,cjs}', { cwd, exclude: (name) => built.has(name) })
    .sort()
    .map((name) => `${folder}/${name.split(sep).join('/')}`)
}
/** Folders whose files nobody here wrote. */
const built = new Set(['node_modules', 'dist', 'reports'])
if (import.meta.main) reportFindings('waits', checkWaits(workspaceRoot()))
//# sourceMappingURL=check-waits.js.map
