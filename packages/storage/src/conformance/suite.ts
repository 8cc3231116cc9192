/** The suite: which cases there are, and how each gets its backend. */
import type { StorageBackend } from '../backend.ts'
import { cancelCases } from './cancel.ts'
import { createGround } from './ground.ts'
import type { ConformanceCase } from './ground.ts'
import { keyCases } from './keys.ts'
import { largeCases } from './large.ts'
import { lifeCases } from './life.ts'
import { listCases } from './list.ts'
import { peerCases } from './peer.ts'
import { readCases } from './read.ts'
import { supportCases } from './supports.ts'
import { versionCases } from './versions.ts'
import { writeCases } from './write.ts'
import { writerCases } from './writers.ts'

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
  /** Bytes of the largest body, which is to have several parts where a backend sends parts. Default 1,000,000. */
  readonly largeBytes?: number
  /** Keys that are put to be listed. Default 10,000. */
  readonly manyKeys?: number
  /**
   * For a backend whose bytes come from elsewhere: each opens it so that one object, which is there, is sent in this wrong way.
   * Without one there is no such case.
   */
  readonly faults?: Partial<Readonly<Record<PeerFault, () => Promise<FaultyObject>>>>
  /** How long a call may take to notice an abort or a close, in milliseconds. Default 5,000. */
  readonly graceMs?: number
}

/**
 * - `truncated`: what is told of the object is right, and its bytes end early.
 * - `wrong-bytes`: as many bytes as there should be, and one of them is another.
 * - `endless`: more bytes than there should be, without an end.
 * - `stalled`: some of the bytes, and then nothing for ever.
 */
export type PeerFault = 'truncated' | 'wrong-bytes' | 'endless' | 'stalled'

/** A backend with an object that is sent in a wrong way. */
export interface FaultyObject {
  readonly backend: StorageBackend
  readonly key: string
  /** Bytes of the object as they should be, 1,000 at least. */
  readonly bytes: Uint8Array
}

/** What the suite needs of a test framework. */
export interface ConformanceRunner {
  readonly test: (title: string, run: () => Promise<void>) => unknown
}

const cases: readonly ConformanceCase[] = [
  ...writeCases,
  ...versionCases,
  ...writerCases,
  ...largeCases,
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
  for (const { fault, title, run } of peerCases) {
    const open = target.faults?.[fault]
    if (open === undefined) continue
    runner.test(`${target.name}: ${title}`, async () => {
      const object = await open()
      const ground = createGround(target, object.backend)
      try {
        await run(ground, object)
      } finally {
        await ground.leave()
      }
    })
  }
}
