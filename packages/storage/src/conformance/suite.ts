/** The suite: which cases there are, and how each gets its backend. */
import type { StorageBackend } from '../backend.ts'
import { cancelCases } from './cancel.ts'
import { createGround } from './ground.ts'
import type { ConformanceCase } from './ground.ts'
import { keyCases } from './keys.ts'
import { lifeCases } from './life.ts'
import { listCases } from './list.ts'
import { readCases } from './read.ts'
import { supportCases } from './supports.ts'
import { versionCases } from './versions.ts'
import { writeCases } from './write.ts'

/** The backend under test. */
export interface ConformanceTarget {
  /** Stands in front of each title. */
  readonly name: string
  /** Opens a backend, once for each case, which closes it. It need not be empty, but nobody else writes. */
  readonly open: () => Promise<StorageBackend>
  /** The key of some bytes. Needed where `supports.keys` is `cid`. */
  readonly keyOf?: (bytes: Uint8Array) => string | Promise<string>
  /** An object of at least 1,000 bytes that is there. Needed where `supports.write` is false. */
  readonly fixture?: { readonly key: string; readonly bytes: Uint8Array }
  /** How long a call may take to notice an abort or a close, in milliseconds. Default 5,000. */
  readonly graceMs?: number
}

/** What the suite needs of a test framework. */
export interface ConformanceRunner {
  readonly test: (title: string, run: () => Promise<void>) => unknown
}

const cases: readonly ConformanceCase[] = [
  ...writeCases,
  ...versionCases,
  ...readCases,
  ...keyCases,
  ...listCases,
  ...cancelCases,
  ...lifeCases,
  ...supportCases,
]

/**
 * Registers the suite. No case is ever skipped: where `supports` says that the backend cannot do what a case is about,
 * the case asserts that it rejects with `STORAGE_NOT_SUPPORTED`.
 */
export function storageConformance(target: ConformanceTarget, runner: ConformanceRunner): void {
  for (const { title, run } of cases) {
    runner.test(`${target.name}: ${title}`, async () => {
      const backend = await target.open()
      const ground = createGround(target, backend)
      try {
        await run(ground)
      } finally {
        await ground.leave()
      }
    })
  }
}
