/**
 * Runs the suite of `packages/concurrency` on each runtime of the port matrix but the running one, which is that of
 * `pnpm test`. Each comes from the package registry. Writes the reports of vitest into `reports/ports/`, from which
 * tooling/count-tests.ts counts; exits 1 if a port fails. Run by `.ci/run`; `pnpm test:ports deno` runs one alone, and
 * arguments after the name go to vitest.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { workspaceRoot } from './workspace.ts'
/** The package whose suite runs everywhere. */
export const portedPackage = 'packages/concurrency'
const ports = [
  { name: 'node-24', from: 'node@24.21.0', command: 'node' },
  { name: 'node-26', from: 'node@26.10.0', command: 'node' },
  { name: 'deno', from: 'deno@2.9.6', command: 'deno run --allow-all --no-lock' },
]
/** The ports beside the Node of this version. */
export function otherPorts(nodeVersion = process.versions.node) {
  return ports.filter(({ name }) => name !== `node-${nodeVersion.split('.')[0]}`)
}
/** The report of a port, below the root. */
export function portReport({ name }) {
  return `reports/ports/${name}.json`
}
/** Runs the suite on a port; `more` goes to vitest. The answer is the exit code. */
async function runPort(root, port, more) {
  const report = join(root, portReport(port))
  mkdirSync(dirname(report), { recursive: true })
  rmSync(report, { force: true })
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', `--outputFile.json=${report}`, ...more]
  const line = [port.command, ...vitest.map(quote)].join(' ')
  const child = spawn('npx', ['-y', '-p', port.from, '-c', line], {
    cwd: join(root, portedPackage),
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, DENO_NO_UPDATE_CHECK: '1' },
  })
  // waits: the suite of that package is on trial here, and runProcess does not hand the terminal on.
  return await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve(code ?? 1))
  })
}
function quote(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
if (import.meta.main) {
  const root = workspaceRoot()
  const [only, ...more] = process.argv.slice(2)
  const chosen = only === undefined ? otherPorts() : ports.filter(({ name }) => name === only)
  if (chosen.length === 0) {
    console.error(`no port "${only}"; there are ${ports.map(({ name }) => name).join(', ')}`)
    process.exitCode = 2
  }
  for (const port of chosen) {
    const started = performance.now()
    const code = await runPort(root, port, more)
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    console.log(`${port.name} (${port.from}): ${code === 0 ? 'ok' : `exit ${code}`}, ${seconds} s`)
    if (code !== 0) process.exitCode = 1
  }
}
//# sourceMappingURL=ports.js.map
