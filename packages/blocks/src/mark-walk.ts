/**
 * The walk of a mark: reaches every block below the claims. Depth first for claims without a limit, which share what was
 * visited; level by level for each claim with one. Interior blocks are visited once: a chain of double links costs what
 * it weighs, and blocks that lead in a circle end. Leaves (codec raw) are looked up and marked, never read.
 *
 * Memory: 11 to 21 bytes for each interior block, about 40 for each that waits, and the blocks that are read ahead.
 */
import type { CID } from 'multiformats/cid'
import type { Claim } from './blocks.ts'
import type { Catalog, Handle } from './catalog.ts'
import { createCidStack, type CidStack } from './cid-stack.ts'
import type { Epochs } from './epochs.ts'
import { BlocksError } from './errors.ts'
import { Pace } from './pace.ts'
import type { Tagger } from './tags.ts'
import { createVisited, type Visited } from './visited.ts'

/** What a walk is made of. */
export interface MarkWalkOptions {
  /** The claims of now. Read once, while the walk goes on: one that comes or ends meanwhile may or may not be among them. */
  readonly claims: () => Iterable<Claim> | AsyncIterable<Claim>
  /** What a block links to. Throws if its codec is unknown or it does not decode. Not called for raw blocks. */
  readonly links: (cid: CID, bytes: Uint8Array) => Iterable<CID>
  /** The verified bytes of an interior block; `undefined` if it is missing or damaged. */
  readonly read: (cid: CID) => Promise<Uint8Array | undefined> | Uint8Array | undefined
  /**
   * Calls `each` for every entry that may be the block's. Handles are used within the call, so it has to be made in the
   * same turn in which the entry was found. A promise only if packs have to be asked.
   */
  readonly lookup: (cid: CID, each: (handle: Handle) => void) => void | Promise<void>
  /** Whether the pack at this place of the table is a kept one. */
  readonly isKept: (pack: number) => boolean
  /**
   * Moves a claimed block from a cache pack to a kept one. Resolves to false if it is not there or damaged. Idempotent:
   * it may be called again, even at the same time, for the same block.
   */
  readonly promote: (cid: CID) => Promise<boolean>
  /**
   * Called for the entries in cache packs of what is claimed with `missing: 'skip'`, in the turn in which they were found: such
   * a block stays where it is, and moves when its pack is dropped.
   */
  readonly retain: (handle: Handle) => void
  /** The store's, for what was visited. */
  readonly tagger: Tagger
  readonly epochs: Pick<Epochs, 'reach'>
  readonly catalog: Pick<Catalog, 'pack'>
  /** Milliseconds of work between two turns of the event loop. Default 3. */
  readonly sliceMs?: number
  /** Interior blocks that are read at once. Default 8. */
  readonly readAhead?: number
}

/** What a walk found. */
export interface MarkWalked {
  readonly claims: number
  /** Leaves that are not here. What a claim is worth without them is the caller's to say. */
  readonly missingLeaves: number
}

/**
 * Reaches all blocks of all claims. Runs between `begin` and `beginSweep` of the epochs.
 *
 * @throws BlocksError `BLOCKS_MARK_INCOMPLETE` if an interior block is missing, damaged or not understood, and a claim does
 * not say `missing: 'skip'`
 */
export async function walkClaims(options: MarkWalkOptions): Promise<MarkWalked> {
  return await new MarkWalk(options).run()
}

/**
 * The most bytes of an inline block (identity hash) whose links are followed. Such blocks lie in each other: without a
 * limit one block of 2 MiB could hold 200,000 of them, each almost as long as the block. Kubo takes 128.
 */
export const maxInlineBytes = 1024

const rawCodec = 0x55
const identityHash = 0x00
/** Links between two looks at the clock. */
const linksPerLook = 64
/** Look-ups of leaves that wait for packs at once. */
const leavesAtOnce = 32

/** What to do with a link. A promise if that has to wait. */
type Visit = (link: CID, root: CID) => void | Promise<void>

class MarkWalk {
  readonly #options: MarkWalkOptions
  readonly #pace: Pace
  readonly #readAhead: number
  /** Interior blocks below claims without a limit: all are visited, or wait in `stack`. */
  readonly #visited: Visited
  readonly #stack = createCidStack()
  /** The root of each of the stack. */
  readonly #roots: CID[] = []
  #claims = 0
  #missingLeaves = 0
  /** Whether blocks that are not here are passed by: when the claims are walked that allow it. */
  #skips = false

  constructor(options: MarkWalkOptions) {
    this.#options = options
    this.#visited = createVisited(options.tagger)
    this.#pace = new Pace(options.sliceMs ?? 3)
    this.#readAhead = options.readAhead ?? 8
  }

  async run(): Promise<MarkWalked> {
    const skipping: Claim[] = []
    for await (const claim of this.#options.claims()) {
      this.#claims += 1
      if (claim.missing === 'skip') skipping.push(claim)
      else await this.#walk(claim)
    }
    while (this.#stack.size > 0) await this.#deeper()
    // Last, so that no hole that is passed by counts as visited for a claim that stops at it.
    this.#skips = true
    for (const claim of skipping) await this.#walk(claim)
    while (this.#stack.size > 0) await this.#deeper()
    return { claims: this.#claims, missingLeaves: this.#missingLeaves }
  }

  async #walk({ cid, depth = Number.POSITIVE_INFINITY }: Claim): Promise<void> {
    if (!(depth >= 0)) throw new RangeError(`the depth of a claim is 0 or more, not ${depth}`)
    if (depth === Number.POSITIVE_INFINITY) {
      const waiting = this.#visit(cid, cid)
      if (waiting !== undefined) await waiting
      // Roots of several claims are read together.
      while (this.#stack.size >= this.#readAhead) await this.#deeper()
    } else await this.#walkLevels(cid, depth)
    if (this.#pace.isDue) await this.#pace.turn()
  }

  readonly #visit: Visit = (link, root) => {
    if (isRaw(link)) return this.#reachLeaf(link)
    if (!this.#visited.add(link)) return
    this.#stack.push(link)
    this.#roots.push(root)
  }

  /** Visits some of the stack. */
  #deeper(): Promise<void> {
    return this.#expand(this.#stack, () => this.#roots.pop()!, this.#visit)
  }

  /** A block counts by its smallest depth, hence the levels. */
  async #walkLevels(root: CID, depth: number): Promise<void> {
    if (depth < 1 || isRaw(root)) {
      await this.#reachLeaf(root)
      return
    }
    const visited = createVisited(this.#options.tagger)
    let level = createCidStack()
    const rootOf = (): CID => root
    const isNew = (cid: CID): boolean => !this.#visited.has(cid) && visited.add(cid)
    if (isNew(root)) level.push(root)
    for (let left = depth; level.size > 0; left -= 1) {
      const next = createCidStack()
      const visit: Visit = (link) => {
        if (left < 2 || isRaw(link)) return this.#reachLeaf(link)
        if (isNew(link)) next.push(link)
      }
      while (level.size > 0) await this.#expand(level, rootOf, visit)
      level = next
    }
  }

  /** Takes some blocks off a stack, reads them, and visits what they link to. */
  async #expand(stack: CidStack, rootOf: () => CID, visit: Visit): Promise<void> {
    const batch: { readonly cid: CID; readonly root: CID }[] = []
    while (batch.length < this.#readAhead) {
      const cid = stack.pop()
      if (cid === undefined) break
      batch.push({ cid, root: rootOf() })
    }
    const blocks = await settled(batch.map(({ cid, root }) => this.#load(cid, root)))
    for (const [at, { cid, root }] of batch.entries()) {
      if (this.#pace.isDue) await this.#pace.turn()
      const bytes = blocks[at]
      if (bytes !== undefined) await this.#visitAll(this.#linksOf(cid, root, bytes), root, visit)
    }
  }

  async #visitAll(links: readonly CID[], root: CID, visit: Visit): Promise<void> {
    let waiting: Promise<void>[] = []
    for (const [at, link] of links.entries()) {
      const wait = visit(link, root)
      if (wait !== undefined && waiting.push(wait) === leavesAtOnce) {
        await settled(waiting)
        waiting = []
      }
      if (at % linksPerLook === linksPerLook - 1 && this.#pace.isDue) {
        await settled(waiting)
        waiting = []
        await this.#pace.turn()
      }
    }
    await settled(waiting)
  }

  /** The bytes of an interior block, which is reached by that; `undefined` if it is passed by. */
  async #load(cid: CID, root: CID): Promise<Uint8Array | undefined> {
    if (isInline(cid)) {
      const bytes = cid.multihash.digest
      if (bytes.length <= maxInlineBytes) return bytes
      return this.#hole(
        cid,
        root,
        `is inline and has ${bytes.length} bytes; at most ${maxInlineBytes} are followed`,
      )
    }
    const where = await this.#reach(cid)
    const isHere = where === 'stays' || (where === 'moves' && (await this.#promote(cid)))
    if (!isHere) return this.#hole(cid, root, 'is not here')
    return (await this.#options.read(cid)) ?? this.#hole(cid, root, 'is not here, or damaged')
  }

  /** @throws BlocksError BLOCKS_MARK_INCOMPLETE unless it is passed by */
  #hole(cid: CID, root: CID, what: string, cause?: unknown): undefined {
    if (!this.#skips) throw incomplete(cid, root, what, cause)
  }

  #linksOf(cid: CID, root: CID, bytes: Uint8Array): readonly CID[] {
    try {
      return Array.from(this.#options.links(cid, bytes))
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      return this.#hole(cid, root, `cannot be followed (${why})`, cause) ?? []
    }
  }

  /** A leaf, or a block below which the claim ends. */
  #reachLeaf(cid: CID): void | Promise<void> {
    if (isInline(cid)) return
    const where = this.#reach(cid)
    if (where === 'missing') this.#missingLeaves += 1
    else if (where !== 'stays') return this.#reachLeafLater(cid, where)
  }

  async #reachLeafLater(cid: CID, found: Where | Promise<Where>): Promise<void> {
    const where = await found
    if (where === 'stays' || (where === 'moves' && (await this.#promote(cid)))) return
    this.#missingLeaves += 1
  }

  /** Marks the entries of a block. */
  #reach(cid: CID): Where | Promise<Where> {
    const { lookup, epochs, catalog, isKept, retain } = this.#options
    let where: Where = 'missing'
    const waiting = lookup(cid, (handle) => {
      epochs.reach(handle)
      const kept = isKept(catalog.pack(handle))
      if (!kept && this.#skips) retain(handle)
      if (where !== 'stays') where = kept || this.#skips ? 'stays' : 'moves'
    })
    return waiting === undefined ? where : waiting.then(() => where)
  }

  /** Moves a block out of its cache pack, and marks it where it is then. */
  async #promote(cid: CID): Promise<boolean> {
    return (await this.#options.promote(cid)) && (await this.#reach(cid)) !== 'missing'
  }
}

/** Whether a block is here, and has to move to a kept pack. */
type Where = 'stays' | 'moves' | 'missing'

function isRaw(cid: CID): boolean {
  return cid.code === rawCodec
}

/** Whether a CID holds its bytes itself. */
function isInline(cid: CID): boolean {
  return cid.multihash.code === identityHash
}

/** The results of all, when all have ended; the first failure if there is one. */
async function settled<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  if (promises.length === 0) return []
  const outcomes = await Promise.allSettled(promises)
  return outcomes.map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason
    return outcome.value
  })
}

function incomplete(cid: CID, root: CID, what: string, cause?: unknown): BlocksError {
  const place = cid.equals(root)
    ? `The claimed root ${nameOf(root)}`
    : `The block ${nameOf(cid)} below the claim ${nameOf(root)}`
  return new BlocksError('BLOCKS_MARK_INCOMPLETE', `${place} ${what}; nothing was freed`, { cause })
}

/** A CID as text. Inline ones can be as long as a block. */
function nameOf(cid: CID): string {
  const text = String(cid)
  return text.length > 200 ? `${text.slice(0, 100)}…` : text
}
