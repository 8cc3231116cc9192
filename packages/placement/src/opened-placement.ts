/** The calls of open placement. */
import { parseKey } from '@ipfs-kit/blocks'
import { cancelScope, checkpoint, currentScope } from '@ipfs-kit/concurrency'
import { StorageError } from '@ipfs-kit/storage'
import type { CID } from 'multiformats/cid'
import type { Row } from './catalog/row.ts'
import type { CopyQueue } from './copy-queue.ts'
import { PlacementError } from './errors.ts'
import { evaluateAll } from './evaluation.ts'
import { type Ledger, withCopy } from './ledger.ts'
import { checkAmount, checkKeys, checkText, checkWhole, hint, type Refuse } from './option-checks.ts'
import type {
  CallOptions,
  ContentHealth,
  NewContent,
  Placement,
  PlacementStats,
  PlacementWal,
} from './placement.ts'
import type { Policy } from './policy.ts'
import type { Summary } from './tally.ts'
import type { Upkeep } from './upkeep.ts'
import type { Verification } from './verification.ts'

/** What it is made of. */
export interface OpenedParts {
  readonly ledger: Ledger
  readonly queue: CopyQueue
  readonly wal: PlacementWal
  readonly verifySharePerDay: number
  readonly verification: Verification
  readonly upkeep: Upkeep
  readonly onRetained: ((cid: string) => void) | undefined
  readonly resources: AsyncDisposableStack
}

export class OpenedPlacement implements Placement {
  readonly #parts: OpenedParts
  #closing: Promise<void> | undefined

  constructor(parts: OpenedParts) {
    this.#parts = parts
  }

  async add(content: NewContent, options: CallOptions = {}): Promise<ContentHealth> {
    return await this.#call(options, async () => {
      const cid = checkContent(content)
      for (const backend of content.on) this.#mustKnow(backend)
      const { ledger } = this.#parts
      await ledger.catalog.change(cid, (row) => merged(row, content, Math.max(0, Math.floor(ledger.clock()))))
      return await this.#fill(cid)
    })
  }

  async forget(text: string, options: CallOptions = {}): Promise<boolean> {
    return await this.#call(options, async () => {
      let wasKnown = false
      await this.#parts.ledger.catalog.change(parse(text), (row) => {
        wasKnown = row !== undefined
        return undefined
      })
      return wasKnown
    })
  }

  async noteLost(text: string, backend: string, options: CallOptions = {}): Promise<ContentHealth> {
    return await this.#call(options, async () => {
      const cid = parse(text)
      this.#mustKnow(backend)
      const { ledger } = this.#parts
      ledger.entry(cid)
      await ledger.note(cid, backend, 'lost')
      return await this.#fill(cid)
    })
  }

  async verify(text: string, options: CallOptions = {}): Promise<ContentHealth> {
    return await this.#call(options, async () => {
      const cid = parse(text)
      const { ledger, verification } = this.#parts
      const { signal } = currentScope()
      for (const { backend, state } of ledger.entry(cid).copies) {
        if (state === 'ok' && ledger.standing.backend(backend) !== undefined) {
          await verification.verify(cid, backend, signal)
        }
      }
      return this.#health(cid)
    })
  }

  health(text: string): ContentHealth {
    this.#enter({})
    return this.#health(parse(text))
  }

  async evaluate(options: CallOptions = {}): Promise<Summary> {
    return await this.#call(options, async () => {
      this.#parts.ledger.refresh(this.#parts.wal)
      return await evaluateAll(this.#parts)
    })
  }

  async *retained(options: CallOptions = {}): AsyncGenerator<string, void, undefined> {
    const { ledger } = this.#parts
    const { catalog } = ledger
    for (let from = 0; from < catalog.slots; from += rowsPerTurn) {
      this.#enter(options)
      const cids: string[] = []
      for (let slot = from; slot < Math.min(from + rowsPerTurn, catalog.slots); slot += 1) {
        const row = catalog.at(slot)
        if (row === undefined) continue
        const { state, missing } = ledger.evaluator.judge(row.content, row.copies, ledger.clock())
        if (state === 'under' || missing.length > 0) cids.push(catalog.cidAt(slot).toString())
      }
      yield* cids
      await checkpoint()
    }
  }

  setPolicy(policy: Policy): void {
    this.#enter({})
    this.#parts.ledger.setPolicy(policy)
    this.#parts.upkeep.ask()
  }

  stats(): PlacementStats {
    const { ledger, queue, verification, upkeep } = this.#parts
    const { catalog, counts, evaluator } = ledger
    return Object.freeze({
      contents: catalog.count,
      memoryBytes: catalog.memoryBytes,
      diskBytes: catalog.diskBytes,
      findings: catalog.findings.length,
      queued: queue.size - queue.failed,
      failed: queue.failed,
      ...counts,
      verifyOwed: verification.owed,
      last: upkeep.last,
      lastFailure: upkeep.lastFailure,
      backends: Object.freeze(
        evaluator.backends.map(({ name, failureDomain, state }) =>
          Object.freeze({ name, failureDomain, state }),
        ),
      ),
    })
  }

  async close(): Promise<void> {
    this.#closing ??= this.#parts.resources.disposeAsync()
    await this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #enter({ signal }: CallOptions): void {
    this.#parts.ledger.catalog.throwIfClosed()
    signal?.throwIfAborted()
  }

  /** The signal of a call is that of its scope. */
  async #call<T>(options: CallOptions, work: () => Promise<T>): Promise<T> {
    this.#enter(options)
    const { signal } = options
    // Nobody cancels this scope but the signal, which rejects.
    return (await cancelScope(work, signal === undefined ? {} : { signal })) as T
  }

  #mustKnow(backend: string): void {
    const { names } = this.#parts.ledger.standing
    if (names.includes(backend)) return
    const message = `There is no backend ${JSON.stringify(backend)}; ${hint(backend, names)}`
    throw new PlacementError('PLACEMENT_UNKNOWN', message)
  }

  /** Promises what content misses. Who keeps blocks is told of it before. */
  async #fill(cid: CID): Promise<ContentHealth> {
    const { ledger, queue, wal, onRetained } = this.#parts
    const entry = ledger.entry(cid)
    const { state, missing } = ledger.evaluator.judge(entry.content, entry.copies, ledger.clock())
    if (state === 'under' || missing.length > 0) onRetained?.(entry.content.cid)
    await queue.fill(wal, cid)
    return this.#health(cid)
  }

  #health(cid: CID): ContentHealth {
    const { ledger, queue } = this.#parts
    const { content, copies } = ledger.entry(cid)
    const refused = queue.refused(content.cid)
    const health = ledger.evaluator.explain(content, copies, ledger.clock(), refused)
    return { ...health, content, queued: queue.of(content.cid) }
  }
}

/** Rows that are looked at before others get their turns. */
const rowsPerTurn = 1000

const refuse: Refuse = (message) =>
  new PlacementError('PLACEMENT_CONTENT_INVALID', `Content cannot be added: ${message}`)

/** @throws PlacementError PLACEMENT_CONTENT_INVALID */
function checkContent(content: NewContent): CID {
  checkKeys(content, ['cid', 'bytes', 'addedMs', 'type', 'name', 'heat', 'on'], 'the content', refuse)
  const { cid, bytes, addedMs = 0, type = '', name = '', heat = 0, on } = content
  checkWhole(bytes, 0, Number.MAX_SAFE_INTEGER, 'bytes', refuse)
  checkWhole(addedMs, 0, Number.MAX_SAFE_INTEGER, 'addedMs', refuse)
  checkText(type, 'type', refuse, 0)
  checkText(name, 'name', refuse, 0)
  checkAmount(heat, 'heat', refuse)
  if (!Array.isArray(on)) throw refuse('on is a list of backends')
  return parse(cid)
}

/** @throws PlacementError PLACEMENT_CONTENT_INVALID */
function parse(text: string): CID {
  try {
    return parseKey(text)
  } catch (cause) {
    if (!(cause instanceof StorageError) && !(cause instanceof TypeError)) throw cause
    throw new PlacementError('PLACEMENT_CONTENT_INVALID', cause.message, { cause })
  }
}

function merged(row: Row | undefined, content: NewContent, nowMs: number): Row {
  const before = row?.content
  const known = row?.copies ?? []
  const isThere = (backend: string): boolean =>
    known.some((one) => one.backend === backend && one.state === 'ok')
  let merged: Row = {
    content: {
      bytes: content.bytes,
      addedMs: content.addedMs ?? before?.addedMs ?? nowMs,
      type: content.type ?? before?.type ?? '',
      name: content.name ?? before?.name ?? '',
      heat: content.heat ?? before?.heat ?? 0,
    },
    copies: known,
    revision: row?.revision ?? 0,
  }
  for (const backend of content.on) {
    if (!isThere(backend)) merged = withCopy(merged, { backend, state: 'ok', verifiedMs: 0 })
  }
  return merged
}
