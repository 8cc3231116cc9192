/** The suite: which cases there are, and how each gets its disk. */
import type { Disk } from '../disk.ts'
import { appendCases } from './append.ts'
import { fileCases } from './files.ts'
import { folderCases } from './folders.ts'
import { createGround } from './ground.ts'
import type { ConformanceCase } from './ground.ts'
import { lifeCases } from './life.ts'
import { nameCases } from './names.ts'
import { versionCases } from './versions.ts'

/** A disk for one case. */
export interface OpenedDisk {
  readonly disk: Disk
  /** The absolute path of an empty folder on it. */
  readonly folder: string
  /** Called after the case: removes the folder and what is in it. */
  readonly close: () => Promise<void>
}

/** The disk under test. */
export interface ConformanceTarget {
  /** Stands in front of each title. */
  readonly name: string
  /** Opens a disk, once for each case. */
  readonly open: () => Promise<OpenedDisk>
}

/** What the suite needs of a test framework. */
export interface ConformanceRunner {
  readonly test: (title: string, run: () => Promise<void>) => unknown
}

const cases: readonly ConformanceCase[] = [
  ...fileCases,
  ...appendCases,
  ...nameCases,
  ...folderCases,
  ...versionCases,
  ...lifeCases,
]

/** Registers the suite. No case is ever skipped. */
export function diskConformance(target: ConformanceTarget, runner: ConformanceRunner): void {
  for (const { title, run } of cases) {
    runner.test(`${target.name}: ${title}`, async () => {
      const opened = await target.open()
      try {
        await run(createGround(opened.disk, opened.folder))
      } finally {
        await opened.close()
      }
    })
  }
}
