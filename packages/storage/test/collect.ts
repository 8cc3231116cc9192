/** Runs the conformance suite inside a test, to see what it says of a backend. */
import { storageConformance } from '@ipfs-kit/storage/conformance'
import type { ConformanceTarget } from '@ipfs-kit/storage/conformance'

/** The titles of the cases that fail, with the error of each. */
export async function failuresOf(target: ConformanceTarget): Promise<Map<string, unknown>> {
  const cases: { title: string; run: () => Promise<void> }[] = []
  storageConformance(target, { test: (title, run) => cases.push({ title, run }) })
  const failures = new Map<string, unknown>()
  for (const { title, run } of cases) {
    try {
      await run()
    } catch (error) {
      failures.set(title.slice(target.name.length + 2), error)
    }
  }
  return failures
}
