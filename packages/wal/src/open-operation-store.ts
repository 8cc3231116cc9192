/** Opens a store of operations: the log first, then what is in it is given to the index, then this opening is recorded. */
import { nodeDisk, type Disk } from '@ipfs-kit/disk'
import type { CallOptions, Log } from './log.ts'
import { createMemoryIndex } from './memory-index.ts'
import { openLog } from './open-log.ts'
import type { OperationIndex } from './operation-index.ts'
import type { OperationStore } from './operation-store.ts'
import { encodeRecord, type WalRecord } from './record.ts'

/** Options of {@link openOperationStore}. */
export interface OperationStoreOptions {
  /** Absolute path of the folder. */
  readonly path: string
  readonly disk?: Disk
  /** As of `openLog`. */
  readonly segmentBytes?: number
  /** The clock of the wall: milliseconds since 1970. Default: `Date.now`. */
  readonly clock?: () => number
}

/** Opens a store, and makes it if it is not there. @throws WalError as `openLog` */
export async function openOperationStore(options: OperationStoreOptions): Promise<OperationStore> {
  const { path, disk = nodeDisk(), clock = Date.now, segmentBytes } = options
  await using opening = new AsyncDisposableStack()
  const index = opening.use(createMemoryIndex())
  const size = segmentBytes === undefined ? {} : { segmentBytes }
  const log = opening.use(await openLog({ path, disk, ...size, onBatch: (batch) => index.apply(batch) }))
  for await (const { lsn, payload } of log.read()) index.apply({ firstLsn: lsn, payloads: [payload] })
  const epoch = index.epoch + 1
  const store = new OpenedStore({ epoch, log, index, stack: opening.move() })
  await store.append([{ kind: 'open', at: clock(), epoch }])
  return store
}

class OpenedStore implements OperationStore {
  readonly epoch: number
  readonly log: Log
  readonly index: OperationIndex
  readonly #stack: AsyncDisposableStack

  constructor(parts: Pick<OperationStore, 'epoch' | 'log' | 'index'> & { stack: AsyncDisposableStack }) {
    this.epoch = parts.epoch
    this.log = parts.log
    this.index = parts.index
    this.#stack = parts.stack
  }

  append(records: readonly WalRecord[], options?: CallOptions): Promise<number[]> {
    return this.log.appendMany(records.map(encodeRecord), options)
  }

  close(): Promise<void> {
    return this.#stack.disposeAsync()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
