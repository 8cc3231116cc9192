/**
 * Shows that every package can be published alone: packs it, lints the tarball with publint, installs it into an empty
 * npm project, compares what it imports with what it declares, and runs its examples there. Needs `pnpm build` before.
 * Prints one line per package, writes `reports/packages.json` for tooling/count-tests.ts, and exits 1 if anything
 * failed. Run by `.ci/run`.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { installAlone } from './packs/install.ts'
import { lintTarball, pack } from './packs/pack.ts'
import { runExamples } from './packs/run-examples.ts'
import { readPackages, workspaceRoot } from './workspace.ts'
/** Installs that run at the same time. */
const lanes = 2
/** Checks the packages of the workspace at `root`; `log` takes one line per package. */
export async function checkPackages(root, log) {
  const packages = readPackages(root).filter(({ manifest }) => manifest.private !== true)
  const folder = mkdtempSync(join(tmpdir(), 'ipfs-kit-packs-'))
  const failed = []
  let passed = 0
  const attempt = async (one, work) => {
    try {
      const result = await work()
      passed += 1
      return result
    } catch (error) {
      failed.push(`${one.folder}: ${error instanceof Error ? error.message : String(error)}`)
      return undefined
    }
  }
  try {
    const tarballs = new Map()
    await inLanes(packages, async (one) => {
      const tarball = await attempt(one, async () => await pack(one, folder))
      if (tarball !== undefined) tarballs.set(one.name, tarball)
    })
    await inLanes(packages, async (one) => {
      const tarball = tarballs.get(one.name)
      if (tarball === undefined) {
        log(`${one.name}: not packed`)
        return
      }
      const started = performance.now()
      const before = failed.length
      await attempt(one, async () => {
        const lines = await lintTarball(tarball)
        if (lines.length > 0) throw new Error(`publint: ${lines.join('; ')}`)
      })
      const project = join(folder, one.folder.replace('/', '-'))
      const installed = await attempt(one, async () => await installAlone(one, packages, tarballs, project))
      const runs = installed === undefined ? [] : await runExamples(one, project)
      if (installed !== undefined && runs.length === 0) failed.push(`${one.folder}: has no example to run`)
      for (const { failure } of runs) {
        if (failure === undefined) passed += 1
        else failed.push(`${one.folder}: ${failure}`)
      }
      const wrong = failed.slice(before).filter((line) => line.startsWith(`${one.folder}: `)).length
      const beside = installed?.needs.length ? ` with ${installed.needs.join(', ')}` : ''
      const seconds = ((performance.now() - started) / 1000).toFixed(1)
      log(
        `${one.name}: ${wrong === 0 ? 'ok' : `${wrong} failed`}, ${installed?.packages ?? 0} packages installed, ` +
          `${runs.length} ${runs.length === 1 ? 'example' : 'examples'}${beside} (${seconds} s)`,
      )
      rmSync(project, { recursive: true, force: true })
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  return { passed, failed }
}
/** Calls `use` for each item, a few at a time. */
async function inLanes(items, use) {
  const rest = items.values()
  const lane = async () => {
    for (const item of rest) await use(item)
  }
  await Promise.all(Array.from({ length: lanes }, lane))
}
if (import.meta.main) {
  const reports = join(workspaceRoot(), 'reports')
  rmSync(join(reports, 'packages.json'), { force: true })
  const report = await checkPackages(workspaceRoot(), (line) => console.log(line))
  mkdirSync(reports, { recursive: true })
  writeFileSync(join(reports, 'packages.json'), JSON.stringify(report, null, 2) + '\n')
  for (const line of report.failed) console.error(line)
  console.log(`${report.passed} passed, ${report.failed.length} failed`)
  if (report.failed.length > 0) process.exitCode = 1
}
//# sourceMappingURL=check-packages.js.map
