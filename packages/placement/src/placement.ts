/** What placement is to those who use it. */
import type { Disk } from '@ipfs-kit/disk'
import type { StorageBackend } from '@ipfs-kit/storage'
import type { OperationTypes, Wal } from '@ipfs-kit/wal'
import type { Health } from './evaluator.ts'
import type { BackendFacts, Content, Policy } from './policy.ts'
import type { Summary } from './tally.ts'

/** A backend that copies may be on. Its keys are CIDs, and its values the bytes of these. */
export interface PlacedBackend {
  /** Its `name` and `failureDomain` are those that policies and evidence have. It stays the caller's, who closes it. */
  readonly backend: StorageBackend
  /** Default: none. */
  readonly tags?: readonly string[]
  /** `memory`: its copies are gone with its process, and count as none. Default `durable`. */
  readonly durability?: BackendFacts['durability']
  /** Default false. */
  readonly offSite?: boolean
  /** Default 0, in the currency of all the others. */
  readonly costPerGiBMonth?: number
  /** What a put costs. Default 0. */
  readonly costPerWrite?: number
  /** What a read costs. Default 0. */
  readonly costPerRead?: number
}

/** The calls of the log of operations that are made here. */
export type PlacementWal = Pick<Wal, 'append' | 'get' | 'list' | 'retry' | 'stats'>

/** Options of `openPlacement`. */
export interface PlacementOptions {
  /** Absolute path of the folder of the catalogue. Made if it is not there. One opener at a time. */
  readonly path: string
  readonly policy: Policy
  /** At most 16, each with a name of its own. */
  readonly backends: readonly PlacedBackend[]
  /**
   * Gives the log that carries the copies, opened with these types besides its own. Called once, when all else is ready. The
   * log stays the caller's, who closes it first. The name of a backend is that of its lane: the limit and the probe that the
   * log has for a lane are those of the backend.
   */
  readonly openWal: (types: OperationTypes) => Promise<PlacementWal>
  /** Share of the copies that are read and hashed a day, at least, 0 to 1. Default 0.01. */
  readonly verifySharePerDay?: number
  /** Bytes a second that verification reads on the average, 1 or more. Default 20,971,520 (20 MiB). */
  readonly verifyBytesPerSecond?: number
  /** Milliseconds between two looks at the backends, and two turns of verification, 1 or more. Default 60,000. */
  readonly intervalMs?: number
  /** Milliseconds between two evaluations of everything, when nothing else asks for one. Default 3,600,000. */
  readonly evaluateEveryMs?: number
  /** Milliseconds that a backend may be offline before its copies do not count. Default 3,600,000. */
  readonly offlineGraceMs?: number
  /**
   * Milliseconds after which a copy that has failed for good is tried again, with the next evaluation of everything. Default
   * 600,000.
   */
  readonly retryFailedMs?: number
  /** Copies that are queued in the log at once, 1 to 100,000. Default 10,000. */
  readonly maxQueued?: number
  /**
   * Told of a CID that is to be kept until it has its copies, before the call that has made it so resolves. It must not throw.
   * Default: nobody is told.
   */
  readonly onRetained?: (cid: string) => void
  /** Default: the system's disk. */
  readonly disk?: Disk
  /** Bytes of a segment of the catalogue's log. Default as of `openLog`. */
  readonly segmentBytes?: number
  /** The clock of the wall, in milliseconds since 1970. Default `Date.now`. */
  readonly clock?: () => number
}

/** Options of calls that wait. */
export interface CallOptions {
  /** Cancels the call, which then rejects with its reason. */
  readonly signal?: AbortSignal
}

/** Content as it is added. */
export interface NewContent {
  readonly cid: string
  /** Bytes, a whole number. */
  readonly bytes: number
  /** Milliseconds since 1970. Default: now, or as it was. */
  readonly addedMs?: number
  /** Default: empty, or as it was. At most 1,000 characters, as `name`. */
  readonly type?: string
  readonly name?: string
  /** Reads a day. Default 0, or as it was. */
  readonly heat?: number
  /** Backends that have it, as the caller says: so they are verified first. Copies that are known stay. */
  readonly on: readonly string[]
}

/** A copy that is promised in the log of operations. */
export interface QueuedCopy {
  readonly target: string
  /** Id of the operation. */
  readonly operation: number
  /** Why it has failed for good, if it has. */
  readonly failure?: string
}

/** What is known of content, and what is under way. */
export interface ContentHealth extends Health {
  readonly content: Content
  readonly queued: readonly QueuedCopy[]
}

/** A frozen look at placement. */
export interface PlacementStats {
  /** CIDs in the catalogue. */
  readonly contents: number
  /** Bytes that the catalogue takes. */
  readonly memoryBytes: number
  readonly diskBytes: number
  /** What opening has found wrong with the files of the catalogue. */
  readonly findings: number
  /** Copies in the log of operations that have not ended, and those that have failed for good. */
  readonly queued: number
  readonly failed: number
  /** Since it was opened. */
  readonly copied: number
  readonly copiedBytes: number
  readonly verified: number
  readonly verifiedBytes: number
  readonly lost: number
  readonly damaged: number
  readonly evaluations: number
  /** Copies that are to be verified by now and have not been. */
  readonly verifyOwed: number
  /** What the last evaluation of everything has found. */
  readonly last: Summary | undefined
  /** Why an evaluation, or a verification, has failed last. */
  readonly lastFailure: string | undefined
  readonly backends: readonly Pick<BackendFacts, 'name' | 'failureDomain' | 'state'>[]
}

/** Open placement. Closing it is also disposing of it. */
export interface Placement extends AsyncDisposable {
  /**
   * Notes content and where it is, and queues the copies that are missing; resolves when that is acknowledged. Once more with the
   * same CID it changes what is told, and keeps the rest.
   *
   * @throws PlacementError PLACEMENT_CONTENT_INVALID, PLACEMENT_UNKNOWN (a backend), PLACEMENT_CATALOG_FAILED, PLACEMENT_CLOSED;
   *   what the log refuses an append with; the reason of the signal
   */
  add(content: NewContent, options?: CallOptions): Promise<ContentHealth>
  /** Forgets content. Its copies stay where they are. False if it was not known. @throws as {@link add} */
  forget(cid: string, options?: CallOptions): Promise<boolean>
  /** Notes that a copy is not there any more, and queues what is missing. @throws as {@link add}; PLACEMENT_UNKNOWN (the CID) */
  noteLost(cid: string, backend: string, options?: CallOptions): Promise<ContentHealth>
  /**
   * Reads and hashes all copies of content that are taken to be whole, now, and queues what is missing then.
   *
   * @throws as {@link noteLost}; what a backend that cannot be read throws
   */
  verify(cid: string, options?: CallOptions): Promise<ContentHealth>
  /** What is known of content, with the evidence. @throws PlacementError PLACEMENT_UNKNOWN, PLACEMENT_CONTENT_INVALID, PLACEMENT_CLOSED */
  health(cid: string): ContentHealth
  /** Evaluates everything now, and queues what is missing. @throws as {@link add} */
  evaluate(options?: CallOptions): Promise<Summary>
  /**
   * CIDs that have not all of their copies: roots for the block store, which keeps what it may be the only one to have.
   *
   * @throws PlacementError PLACEMENT_CLOSED; the reason of the signal
   */
  retained(options?: CallOptions): AsyncGenerator<string, void, undefined>
  /** Takes another policy, which counts from now on, and evaluates everything soon. @throws as `createEvaluator`, and then nothing has changed */
  setPolicy(policy: Policy): void
  stats(): PlacementStats
  /** Ends what is under way here. Copies that are queued stay in the log. Idempotent. */
  close(): Promise<void>
}
