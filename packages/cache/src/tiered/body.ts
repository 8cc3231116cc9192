/**
 * The body of a value that is too large to be read whole first. Its pieces come from a tier as they are, the last one after
 * everything was checked: the length, and for a CID the digest of the whole object, of which then every byte is read, also
 * for a range. When a tier dies, the next one goes on at the same byte if the key is a CID, whose digest tells a body out of
 * two versions; for other keys nothing could.
 */
import { createDigestCheck, type DigestCheck } from '@ipfs-kit/blocks'
import {
  cancelScope,
  createSemaphore,
  moveOnAfter,
  run,
  type Scope,
  throwIfCancelled,
} from '@ipfs-kit/concurrency'
import { StorageError, type StoredObject, type Wanted, windowOf } from '@ipfs-kit/storage'
import { CacheError } from '../errors.ts'
import { sayingOf } from './breaker.ts'
import type { Content } from './content.ts'
import { leave } from './leave.ts'
import type { Unanswered } from './search.ts'
import { isSize, type Tier } from './tier.ts'

/** A tier that is being read. */
interface Source {
  readonly tier: Tier
  readonly iterator: AsyncIterator<Uint8Array>
  readonly size: number
  /** Bytes at its front that are not wanted. */
  skip: number
  /** The byte of the object at which it ends. */
  readonly limit: number
  /** Ends it, whatever the tier does. */
  readonly end: AbortController
}

/** A body that is open, and where in its object it lies. */
export type OpenedBody = Pick<StoredObject, 'size' | 'offset' | 'length' | 'body'>

/**
 * Opens a large value in the first of the tiers that has it. Those that do not answer, and why, go to `onFailure`.
 *
 * @returns undefined if none of them has it
 */
export async function openBody(
  tiers: readonly Tier[],
  content: Content,
  wanted: Wanted,
  signal: AbortSignal,
  onFailure: (unanswered: Unanswered) => void,
): Promise<OpenedBody | undefined> {
  const rest = [...tiers]
  const asked = content.multihash === undefined ? wanted : whole
  const source = await openFirst(rest, content, asked, signal, onFailure)
  if (source === undefined) return undefined
  const { size } = source
  try {
    const { from, to } = windowOf(wanted, size)
    const body = new LargeBody(content, { from, to, size }, source, rest, signal)
    return { size, offset: from, length: to - from, body }
  } catch (error) {
    await abandon(source)
    throw error
  }
}

const whole: Wanted = { offset: 0, length: Number.MAX_SAFE_INTEGER }

/** Takes tiers off the list until one of them has the value. */
async function openFirst(
  rest: Tier[],
  content: Content,
  wanted: Wanted,
  signal: AbortSignal,
  onFailure: (unanswered: Unanswered) => void,
): Promise<Source | undefined> {
  for (let tier = rest.shift(); tier !== undefined; tier = rest.shift()) {
    if (!tier.knows(content)) continue
    const silence = tier.silence(content)
    if (silence !== undefined) {
      onFailure({ tier, why: silence })
      continue
    }
    try {
      const source = await openSource(tier, content, wanted, signal)
      if (source !== undefined) return source
    } catch (error) {
      throwIfCancelled()
      if (error instanceof StorageError && error.code === 'STORAGE_RANGE') throw error
      onFailure({ tier, why: sayingOf(error), error })
    }
  }
  return undefined
}

async function openSource(
  tier: Tier,
  content: Content,
  { offset, length }: Wanted,
  signal: AbortSignal,
): Promise<Source | undefined> {
  const asksRange = offset > 0 && tier.backend.supports.ranges
  const end = new AbortController()
  return tier.callInPart(async ({ signal: callSignal }) => {
    const options = asksRange ? { offset, ...(length === Number.MAX_SAFE_INTEGER ? {} : { length }) } : {}
    const found = await tier.backend.get(content.key, {
      ...options,
      signal: AbortSignal.any([callSignal, signal, end.signal]),
    })
    if (found === undefined) return undefined
    const { size, body } = found
    const expected = asksRange ? Math.min(length, size - offset) : size
    if (!isSize(size) || found.offset !== (asksRange ? offset : 0) || found.length !== expected) {
      await leave(body)
      throw tier.odd(`${found.length} bytes from ${found.offset} on of ${size} are not what was asked for`)
    }
    const [skip, limit] = asksRange ? [0, offset + found.length] : [offset, size]
    return { tier, iterator: body[Symbol.asyncIterator](), size, skip, limit, end }
  })
}

/** Lets a tier go. One that does not answer is not waited for longer than for anything else. */
async function abandon({ iterator, end, tier }: Source): Promise<void> {
  end.abort(new Error('The body was left'))
  try {
    await moveOnAfter(tier.rules.timeoutMs, async () => {
      const left = iterator.return?.()
      if (left !== undefined) await run(left)
    })
  } catch {
    // What a body says to being left changes nothing any more.
    throwIfCancelled()
  }
}

const over = Object.freeze({ done: true, value: undefined })

class LargeBody implements AsyncIterableIterator<Uint8Array> {
  readonly #content: Content
  readonly #window: { readonly from: number; readonly to: number; readonly size: number }
  readonly #rest: Tier[]
  readonly #signal: AbortSignal
  readonly #check: DigestCheck | undefined
  /** One `next` or `return` at a time. */
  readonly #turn = createSemaphore(1)
  #source: Source | undefined
  /** Tiers that bytes came from. */
  readonly #givers = new Set<Tier>()
  /** The next byte of the object, and the last one that is read plus one. */
  #at: number
  readonly #end: number
  /** A piece that waits for the check of everything, or for a next one. */
  #kept: Uint8Array | undefined
  #isOver = false
  /** The scope of the `next` that has its turn, or had it last. */
  #running: Scope | undefined

  constructor(
    content: Content,
    window: { readonly from: number; readonly to: number; readonly size: number },
    source: Source,
    rest: Tier[],
    signal: AbortSignal,
  ) {
    this.#content = content
    this.#window = window
    this.#source = source
    this.#rest = rest
    this.#signal = signal
    this.#check = content.multihash === undefined ? undefined : createDigestCheck(content.multihash)
    this.#at = this.#check === undefined ? window.from : 0
    this.#end = this.#check === undefined ? window.to : window.size
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#isOver) return over
    const step = await cancelScope(
      async (scope) => {
        try {
          using _turn = await this.#turn.acquire()
          this.#running = scope
          return await this.#next()
        } catch (error) {
          await this.#leave()
          throw error
        }
      },
      { signal: this.#signal },
    )
    // Without one it was left.
    return step ?? over
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#isOver = true
    this.#running?.cancel('the body was left')
    await this.#leave()
    return over
  }

  async #next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const { from, to } = this.#window
    if (from === to) await this.#leave()
    while (!this.#isOver && this.#at < this.#end) {
      const piece = await this.#pull()
      if (piece === undefined) continue
      this.#check?.update(piece)
      const first = Math.max(from, this.#at)
      const last = Math.min(to, this.#at + piece.length)
      const start = this.#at
      this.#at += piece.length
      if (first >= last) continue
      const former = this.#kept
      this.#kept = piece.subarray(first - start, last - start)
      if (former !== undefined) return { done: false, value: former }
    }
    if (this.#isOver) return over
    await this.#finish()
    const value = this.#kept
    this.#kept = undefined
    return value === undefined ? over : { done: false, value }
  }

  /** The next bytes; undefined if there was reason to try again. */
  async #pull(): Promise<Uint8Array | undefined> {
    const source = this.#source!
    try {
      const piece = await source.tier.callInPart(async () => this.#take(source, await source.iterator.next()))
      if (piece.length === 0) return undefined
      this.#givers.add(source.tier)
      return piece
    } catch (error) {
      throwIfCancelled()
      await this.#goOn(source, error)
      return undefined
    }
  }

  /** What of a piece is of the object, up to the last byte that is read: a range that a tier cannot give is cut out of more. */
  #take(source: Source, step: IteratorResult<unknown, unknown>): Uint8Array {
    const { size } = this.#window
    if (step.done === true) throw source.tier.odd(`a body ended after ${this.#at} of ${size} bytes`)
    if (!(step.value instanceof Uint8Array)) throw source.tier.odd('a body has something else than bytes')
    const skipped = Math.min(source.skip, step.value.length)
    source.skip -= skipped
    const piece = step.value.subarray(skipped)
    if (this.#at + piece.length > source.limit)
      throw source.tier.odd(`a body has more than the ${size} bytes declared`)
    return piece.subarray(0, this.#end - this.#at)
  }

  /** Another tier from the same byte on, if its bytes can be told from others. */
  async #goOn(broken: Source, cause: unknown): Promise<void> {
    this.#source = undefined
    await abandon(broken)
    const why = `the tier ${broken.tier.name} broke off (${sayingOf(cause)})`
    if (this.#check === undefined)
      throw brokenBody(`${why}, and another one may have another version of it`, cause)
    const failed: Unanswered[] = []
    const wanted = { offset: this.#at, length: Number.MAX_SAFE_INTEGER }
    for (;;) {
      const next = await openFirst(this.#rest, this.#content, wanted, this.#signal, (one) => failed.push(one))
      if (next === undefined) {
        const others = failed.map(({ tier, why: said }) => `, ${tier.name} did not answer (${said})`).join('')
        const errors = failed.flatMap(({ error }) => (error === undefined ? [] : [error]))
        throw brokenBody(
          `${why}, and no other has it${others}`,
          new AggregateError([cause, ...errors], 'what the tiers failed with'),
        )
      }
      if (next.size === this.#window.size) {
        this.#source = next
        return
      }
      await abandon(next)
    }
  }

  /** All bytes are here: whether they are all, and the right ones. */
  async #finish(): Promise<void> {
    const source = this.#source!
    if (this.#end === source.limit) await this.#pullEnd(source)
    if (this.#check !== undefined && !this.#check.matches()) {
      // Out of two tiers, nobody knows which one it was.
      if (this.#givers.size === 1) source.tier.lied()
      throw brokenBody('the bytes are not those of the CID')
    }
    source.tier.breaker.succeeded()
    await this.#leave()
  }

  async #pullEnd({ tier, iterator }: Source): Promise<void> {
    try {
      await tier.callInPart(async () => {
        if ((await iterator.next()).done !== true) throw tier.odd('a body goes on behind its end')
      })
    } catch (error) {
      throwIfCancelled()
      // Where there is a digest, it says better than the tier whether all is well.
      if (this.#check === undefined) throw brokenBody(`the tier ${tier.name} has another end`, error)
    }
  }

  async #leave(): Promise<void> {
    this.#isOver = true
    const source = this.#source
    this.#source = undefined
    if (source !== undefined) await abandon(source)
  }
}

function brokenBody(why: string, cause?: unknown): CacheError {
  return new CacheError('CACHE_BODY_BROKEN', `A body did not come to its end: ${why}`, { cause })
}
