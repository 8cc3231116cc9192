/** The copies that are promised in the log of operations. */
import { hash } from 'node:crypto'
import { now } from '@ipfs-kit/concurrency'
import type { LoggedOperation } from '@ipfs-kit/wal'
import { CID } from 'multiformats/cid'
import type { Entry } from './catalog/catalog.ts'
import { copyType, type CopyParams } from './copy-work.ts'
import type { Ledger } from './ledger.ts'
import type { PlacementWal, QueuedCopy } from './placement.ts'

interface Promised {
  /** 0 until the log has it. */
  operation: number
  /** Of the row that it was promised for. */
  readonly revision: number
  /** Of one that has failed for good: why, and when that was noticed, on the clock of `now()`. */
  failed?: { readonly why: string; readonly at: number }
}

/** What the queue is made with. */
export interface CopyQueueOptions {
  readonly ledger: Ledger
  readonly maxQueued: number
  readonly retryFailedMs: number
  /** Told when there is room again for what found none. */
  readonly onRoom: () => void
}

export class CopyQueue {
  readonly #options: CopyQueueOptions
  readonly #byCid = new Map<string, Map<string, Promised>>()
  #size = 0
  #failed = 0
  #foundNoRoom = false

  constructor(options: CopyQueueOptions) {
    this.#options = options
  }

  /** Copies that have not ended, those that have failed for good included. */
  get size(): number {
    return this.#size
  }

  get failed(): number {
    return this.#failed
  }

  /** Finds what the log has from before. */
  async load(wal: PlacementWal): Promise<void> {
    const { ledger } = this.#options
    const filter = { types: [copyType], states: ['queued', 'running', 'retrying', 'failed'] as const }
    let before: number | undefined
    do {
      const page = await wal.list({ ...filter, limit: 1000, ...(before === undefined ? {} : { before }) })
      for (const operation of page.operations) {
        const { cid, target } = operation.params as unknown as CopyParams
        // Pages begin with the newest: it is the one that counts.
        if (this.#get(cid, target) !== undefined) continue
        // It may have ended while the page was read.
        const entry = ledger.catalog.get(CID.parse(cid))
        if (entry === undefined || !this.#missing(entry).includes(target)) continue
        const { revision } = entry
        this.#set(cid, target, { operation: operation.id, revision })
      }
      before = page.next
    } while (before !== undefined)
  }

  /** A copy was made, or is not needed. */
  ended({ cid, target }: CopyParams): void {
    const promised = this.#get(cid, target)
    if (promised === undefined) return
    this.#restore(promised)
    const ofCid = this.#byCid.get(cid)!
    ofCid.delete(target)
    if (ofCid.size === 0) this.#byCid.delete(cid)
    this.#size -= 1
    if (!this.#foundNoRoom || this.#size > this.#options.maxQueued / 2) return
    this.#foundNoRoom = false
    this.#options.onRoom()
  }

  get isEmpty(): boolean {
    return this.#byCid.size === 0
  }

  has(cid: string): boolean {
    return this.#byCid.has(cid)
  }

  /** What is promised for a CID. */
  of(cid: string): QueuedCopy[] {
    return [...(this.#byCid.get(cid) ?? [])].map(([target, { operation, failed }]) => ({
      target,
      operation,
      ...(failed === undefined ? {} : { failure: failed.why }),
    }))
  }

  /** Targets whose copy has failed for good and is not tried again yet. */
  refused(cid: string): string[] {
    const ofCid = this.#byCid.get(cid)
    if (ofCid === undefined) return []
    return [...ofCid].flatMap(([target, { failed }]) => (failed === undefined ? [] : [target]))
  }

  /**
   * Promises the copies that content misses and that are not promised; looks at those that are, and tries those again that have
   * failed for long enough. Without room in the queue nothing is promised, until there is.
   */
  async fill(wal: PlacementWal, cid: CID): Promise<void> {
    await this.#look(wal, cid)
    for (;;) {
      // What is known may have changed with each wait.
      const entry = this.#options.ledger.catalog.get(cid)
      if (entry === undefined) return
      const { content } = entry
      const target = this.#missing(entry, this.refused(content.cid)).find(
        (name) => this.#get(content.cid, name) === undefined,
      )
      if (target === undefined) return
      if (this.#size >= this.#options.maxQueued) {
        this.#foundNoRoom = true
        return
      }
      await this.#promise(wal, entry, target)
    }
  }

  /** What has become of copies that do not tell it themselves. */
  async #look(wal: PlacementWal, ofCid: CID): Promise<void> {
    const entry = this.#options.ledger.catalog.get(ofCid)
    if (entry === undefined) return
    const { revision } = entry
    const { cid } = entry.content
    const missing = this.#missing(entry)
    for (const [target, promised] of [...(this.#byCid.get(cid) ?? [])]) {
      if (promised.operation === 0) continue
      if (promised.failed !== undefined) {
        // What is known has changed since: that is another promise.
        if (!missing.includes(target) || promised.revision !== revision) this.ended({ cid, target })
        else if (now() - promised.failed.at >= this.#options.retryFailedMs) {
          await wal.retry(promised.operation)
          this.#restore(promised)
        }
        continue
      }
      const operation = await wal.get(promised.operation)
      if (operation === undefined || operation.state === 'completed') this.ended({ cid, target })
      else if (operation.state === 'failed' || operation.state === 'cancelled')
        this.#fail(promised, operation)
    }
  }

  /**
   * The same state of a row gives the same key, so that nothing is promised twice, also after a crash. What has ended without
   * a change of the row, as a copy that was not needed then, is behind the key of the next one.
   */
  async #promise(wal: PlacementWal, entry: Entry, target: string): Promise<void> {
    const { cid } = entry.content
    const params: CopyParams = { cid, target }
    const promised: Promised = { operation: 0, revision: entry.revision }
    // Before the log has it, since it may have ended before this goes on.
    this.#set(cid, target, promised)
    try {
      let after = 0
      for (;;) {
        const key = keyOf(`${cid}/${target}/${entry.revision}/${after}`)
        const { operation, isNew } = await wal.append({ type: copyType, params, backend: target, key })
        promised.operation = operation.id
        if (isNew || operation.state !== 'completed' || this.#get(cid, target) !== promised) return
        after = operation.id
      }
    } catch (error) {
      if (this.#get(cid, target) === promised) this.ended(params)
      throw error
    }
  }

  #missing({ content, copies }: Entry, refused: readonly string[] = []): readonly string[] {
    const { evaluator, clock } = this.#options.ledger
    return evaluator.judge(content, copies, clock(), refused).missing
  }

  #fail(promised: Promised, { failure, state }: LoggedOperation): void {
    promised.failed = { why: failure?.message ?? state, at: now() }
    this.#failed += 1
  }

  #restore(promised: Promised): void {
    if (promised.failed === undefined) return
    delete promised.failed
    this.#failed -= 1
  }

  #get(cid: string, target: string): Promised | undefined {
    return this.#byCid.get(cid)?.get(target)
  }

  #set(cid: string, target: string, promised: Promised): void {
    const ofCid = this.#byCid.get(cid)
    if (ofCid === undefined) this.#byCid.set(cid, new Map([[target, promised]]))
    else ofCid.set(target, promised)
    this.#size += 1
  }
}

/** A key of the log, which are of 200 characters at most. */
function keyOf(text: string): string {
  return `placement/${hash('sha256', text)}`
}
