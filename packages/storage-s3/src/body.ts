/** The body of an object: ranges that are fetched ahead of the reader, in their order, and hashed. */
import { createHash, type Hash } from 'node:crypto'
import { run, type Owner } from '@ipfs-kit/concurrency'
import { StorageError } from '@ipfs-kit/storage'
import type { Range } from './ranges.ts'

/** What a body is read with. */
export interface BodyOptions {
  /** The range that is there already. */
  readonly first: Range
  /** End of what is wanted within the object. */
  readonly to: number
  /** Bytes of each further range. */
  readonly rangeBytes: number
  /** Ranges that are fetched at once. */
  readonly concurrency: number
  /** Whose tasks fetch them. */
  readonly owner: Owner
  readonly signal: AbortSignal
  readonly fetch: (from: number, length: number, signal: AbortSignal) => Promise<Uint8Array>
  /** Called once, when the body holds nothing any more. */
  readonly onEnd: () => void
}

type Outcome = { readonly bytes: Uint8Array } | { readonly error: unknown }

/**
 * A body. Nothing is fetched before the reader has asked for a second chunk, and at most `concurrency` ranges are in memory. The
 * last chunk of a whole object comes only when its SHA-256 is the one that was noted, if one was.
 *
 * It is no generator: one that is left before its first step runs nothing, and would keep the bytes.
 */
export function createBody(options: BodyOptions): AsyncIterableIterator<Uint8Array> {
  return new RangedBody(options)
}

class RangedBody implements AsyncIterableIterator<Uint8Array> {
  readonly #options: BodyOptions
  readonly #hash: Hash | undefined
  readonly #stopping = new AbortController()
  readonly #signal: AbortSignal
  readonly #ahead: Promise<Outcome>[] = []
  #first: Uint8Array | undefined
  /** First byte that is not asked for yet. */
  #next: number
  /** First byte that the reader does not have yet. */
  #at: number
  #ended = false

  constructor(options: BodyOptions) {
    const { stat, from, bytes } = options.first
    this.#options = options
    this.#first = bytes
    this.#at = from
    this.#next = from + bytes.byteLength
    this.#signal = AbortSignal.any([options.signal, this.#stopping.signal])
    const isWhole = from === 0 && options.to === stat.size
    if (isWhole && stat.sha256 !== undefined) this.#hash = createHash('sha256')
    options.signal.addEventListener('abort', this.#end, { once: true })
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const { to, signal } = this.#options
    if (this.#ended) {
      if (this.#at < to && signal.aborted) throw signal.reason
      return { done: true, value: undefined }
    }
    try {
      const bytes = await this.#take()
      this.#at += bytes.byteLength
      this.#hash?.update(bytes)
      if (this.#at < to) return { done: false, value: bytes }
      this.#verify()
      this.#end()
      return bytes.byteLength === 0 ? { done: true, value: undefined } : { done: false, value: bytes }
    } catch (error) {
      this.#end()
      throw error
    }
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#at = this.#options.to
    this.#end()
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** The next range, which may be there already; fetches those behind it. */
  async #take(): Promise<Uint8Array> {
    const first = this.#first
    if (first !== undefined) {
      this.#first = undefined
      return first
    }
    const { to, rangeBytes, concurrency } = this.#options
    while (this.#ahead.length < concurrency && this.#next < to) {
      const length = Math.min(rangeBytes, to - this.#next)
      this.#ahead.push(this.#fetch(this.#next, length))
      this.#next += length
    }
    const outcome = await run(this.#ahead.shift()!)
    if ('error' in outcome) throw outcome.error
    return outcome.bytes
  }

  /** Fetches in the scope of the owner: the reader may ask from another scope each time. */
  #fetch(from: number, length: number): Promise<Outcome> {
    const { owner, fetch } = this.#options
    const task = owner.spawn(async (): Promise<Outcome> => {
      try {
        return { bytes: await fetch(from, length, this.#signal) }
      } catch (error) {
        return { error }
      }
    })
    return Promise.resolve(task)
  }

  #verify(): void {
    const { stat } = this.#options.first
    const found = this.#hash?.digest('hex')
    if (found === undefined || found === stat.sha256) return
    throw new StorageError(
      'STORAGE_CORRUPT',
      `The object ${JSON.stringify(stat.key)} has the SHA-256 ${found}, and ${stat.sha256} was noted when it was put`,
    )
  }

  readonly #end = (): void => {
    if (this.#ended) return
    this.#ended = true
    this.#first = undefined
    this.#ahead.length = 0
    this.#options.signal.removeEventListener('abort', this.#end)
    this.#stopping.abort(new Error('the body is not read any more'))
    this.#options.onEnd()
  }
}
