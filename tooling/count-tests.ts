/**
 * Sums what the tests of all packages, those with services, those on other runtimes and the pack check reported. The last line is `N passed, N failed`. Whatever is
 * missing (a report, a test) counts as failed, so that silence never passes; skipped tests are named. Exits 1 unless
 * all passed. Run at the end of `.ci/run`, with the names of the steps that failed as arguments.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { otherPorts, portedPackage, portReport } from './ports.ts'
import { packageFolders, readJson, readPackages, workspaceRoot } from './workspace.ts'

/** What one report says. */
export interface Count {
  readonly passed: number
  readonly failed: number
  /** Lines for a person: failures that are no single test, skipped tests. */
  readonly notes: readonly string[]
}

/** Steps of `.ci/run` whose failures are in the reports. */
const reported = new Set(['test', 'services', 'ports', 'packages'])

/**
 * Counts the workspace at `root`. Each of the failed steps counts as one failure; a step with reports only if no report
 * has a failure, so that nothing is counted twice.
 */
export function countTests(root: string, failedSteps: readonly string[]): Count {
  const counts = [...packageFolders(root), 'tooling']
    .filter((folder) => existsSync(join(root, folder, 'test')))
    .map((folder) => countVitest(root, `${folder}/reports/vitest.json`, folder))
  for (const { folder, manifest } of readPackages(root)) {
    if (manifest.scripts?.['test:services'] === undefined) continue
    counts.push(countVitest(root, `${folder}/reports/services.json`, `${folder} with services`))
  }
  if (existsSync(join(root, portedPackage, 'test'))) {
    for (const port of otherPorts()) {
      counts.push(countVitest(root, portReport(port), `${portedPackage} on ${port.name}`))
    }
  }
  counts.push(countPackages(root))
  const failed = counts.reduce((sum, one) => sum + one.failed, 0)
  const steps = failedSteps.filter((step) => failed === 0 || !reported.has(step))
  return {
    passed: counts.reduce((sum, one) => sum + one.passed, 0),
    failed: failed + steps.length,
    notes: [...counts.flatMap((one) => one.notes), ...failedSteps.map((step) => `failed: step ${step}`)],
  }
}

/** The parts of vitest's JSON report that are read here. */
interface VitestReport {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly success: boolean
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[]
  }[]
}

/** Counts the report `name` of the tests that notes call `folder`. */
function countVitest(root: string, name: string, folder: string): Count {
  const failure = (note: string) => ({ passed: 0, failed: 1, notes: [note] })
  if (!existsSync(join(root, name))) return failure(`failed: ${folder} has tests and no report`)
  const report = readJson(join(root, name)) as VitestReport
  const passed = report.numPassedTests
  let failed = report.numFailedTests
  const notes: string[] = []
  if (passed + failed === 0) return failure(`failed: ${name} reports no test that ran`)
  for (const file of report.testResults) {
    const failures = file.assertionResults.filter(({ status }) => status === 'failed')
    // A file that could not be loaded has failed without a failed test.
    if (file.status === 'failed' && failures.length === 0) {
      failed += 1
      notes.push(`failed: ${folder}: ${file.name} could not run`)
    }
    for (const one of failures) notes.push(`failed: ${folder}: ${one.fullName}`)
    for (const one of file.assertionResults) {
      if (one.status !== 'passed' && one.status !== 'failed') {
        notes.push(`skipped: ${folder}: ${one.fullName}`)
      }
    }
  }
  if (failed === 0 && !report.success) {
    return {
      passed,
      failed: 1,
      notes: [...notes, `failed: ${folder}: the run failed outside of its tests`],
    }
  }
  return { passed, failed, notes }
}

function countPackages(root: string): Count {
  const name = 'reports/packages.json'
  if (!existsSync(join(root, name))) {
    return { passed: 0, failed: 1, notes: [`failed: ${name} is missing, so the pack check did not end`] }
  }
  const { passed, failed } = readJson(join(root, name)) as { passed: number; failed: readonly string[] }
  return { passed, failed: failed.length, notes: failed.map((line) => `failed: ${line}`) }
}

if (import.meta.main) {
  const { passed, failed, notes } = countTests(workspaceRoot(), process.argv.slice(2))
  for (const note of notes) console.log(note)
  console.log(`${passed} passed, ${failed} failed`)
  if (failed > 0 || passed === 0) process.exitCode = 1
}
