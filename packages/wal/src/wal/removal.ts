/** Takes finished operations out of the log: away, or into a file. */
import { createLock } from '@ipfs-kit/concurrency'
import type { Disk } from '@ipfs-kit/disk'
import { writeArchive } from './archive.ts'
import { begun, pagesOf, type Pages } from './export.ts'
import type { Ledger } from './ledger.ts'
import type { OperationFilter } from '../store/operation-index.ts'
import { isFinished, type LoggedOperation, type OperationState } from '../store/operation.ts'
import type { ArchiveReport, Wal } from './wal.ts'

/** What a removal needs. */
export interface RemovalOptions {
  readonly ledger: Ledger
  readonly disk: Disk
  /** The folder of the log. */
  readonly path: string
}

const finishedStates: readonly OperationState[] = ['completed', 'failed', 'cancelled']
/** Operations that are removed by one record. */
const deletedAtOnce = 1000
/** Operations of one file of an archive at most: their ids are in memory until they are removed. */
const archivedAtOnce = 1_000_000

export class Removal {
  readonly #options: RemovalOptions
  readonly #archiving = createLock({ name: 'archive' })

  constructor(options: RemovalOptions) {
    this.#options = options
  }

  /** Removes a page of finished operations. How many. */
  async deleteSome(filter: OperationFilter & { readonly finishedBefore?: number }): Promise<number> {
    const { ledger } = this.#options
    await ledger.applied()
    await ledger.store.index.recovered()
    const ids = ledger.store.index.finished(filter, deletedAtOnce)
    return await this.#remove(ids, isFinished)
  }

  /** Writes finished operations to a file, and removes those that have not changed since. */
  async archive(
    wal: Pick<Wal, 'list'>,
    filter: OperationFilter,
    finishedBefore: number,
  ): Promise<ArchiveReport> {
    using _turn = await this.#archiving.acquire()
    const { disk, path, ledger } = this.#options
    const written = new Map<number, number>()
    const pages = finishedPages(wal, filter, finishedBefore, written)
    const some = await begun(pages)
    if (some === undefined) return { operations: 0, bytes: 0 }
    const name = String(ledger.acknowledged).padStart(16, '0')
    const { file, bytes } = await writeArchive(disk, path, name, some)
    let operations = 0
    const ids = [...written.keys()]
    for (let at = 0; at < ids.length; at += deletedAtOnce) {
      // What has changed since it was written is not what is in the file.
      operations += await this.#remove(
        ids.slice(at, at + deletedAtOnce),
        ({ id, lsn }) => written.get(id) === lsn,
      )
    }
    return { operations, file, bytes }
  }

  /** Removes operations that are still what was meant. How many. */
  async #remove(ids: readonly number[], isMeant: (operation: LoggedOperation) => boolean): Promise<number> {
    const { ledger } = this.#options
    using turns = new DisposableStack()
    // Nobody queues one of them again meanwhile. In one order, so that two removals do not wait for each other.
    for (const id of ids.toSorted((a, b) => a - b)) turns.use(await ledger.turn(id))
    const over = ids.filter((id) => {
      const operation = ledger.load(id)
      return operation !== undefined && isMeant(operation)
    })
    if (over.length > 0) await ledger.commit([{ kind: 'delete', at: ledger.clock(), ids: over }], () => [])
    return over.length
  }
}

/** Finished operations; notes their ids, and the records that changed them last. */
async function* finishedPages(
  wal: Pick<Wal, 'list'>,
  { states = finishedStates, ...filter }: OperationFilter,
  finishedBefore: number,
  written: Map<number, number>,
): Pages {
  const ended = states.filter((state) => finishedStates.includes(state))
  if (ended.length === 0) return
  for await (const page of pagesOf(wal, { ...filter, states: ended })) {
    const meant = page.filter(({ finishedAt }) => finishedAt !== undefined && finishedAt < finishedBefore)
    for (const { id, lsn } of meant) written.set(id, lsn)
    if (meant.length > 0) yield meant
    if (written.size >= archivedAtOnce) return
  }
}
