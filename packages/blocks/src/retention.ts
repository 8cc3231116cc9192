/**
 * What is retained: roots that were claimed without a lease, as of work that was promised. Their blocks may lie in cache packs,
 * or be dead in kept ones. So before a block goes, the roots that have come since the last walk are walked: what is here of
 * them counts as marked, and in a cache pack gets a flag, by which it moves to a kept pack when its own is dropped.
 *
 * A walk knows of no block that comes later. So all roots are walked anew when a cache pack is to go that was not sealed
 * before the walk: once for each time that the whole cache is replaced.
 *
 * A root that is not retained any more takes nothing back: what it reached moves to a kept pack once at most, and is dead there
 * from the next mark on. When there is no root left at all, the flags count for nothing.
 */
import { createLock, type Lock } from '@ipfs-kit/concurrency'
import type { CID } from 'multiformats/cid'
import { entryFlags, type Handle } from './catalog.ts'
import { type MarkWalkOptions, walkClaims } from './mark-walk.ts'
import { Pace } from './pace.ts'
import type { Pack } from './pack.ts'
import { tryTwice } from './read-around.ts'
import type { Store } from './store.ts'
import { walkOf } from './store-walk.ts'
import { createVisited, type Visited } from './visited.ts'

const sliceMs = 4
/** Roots that are told of and not walked, beyond which all are asked for. */
const maxTold = 1000

/** Gives the roots, as they are now. */
export type Retained = () => Iterable<CID> | AsyncIterable<CID>

/** The retention of a store. */
export class Retention {
  readonly #store: Store
  readonly #turn: Lock = createLock({ name: 'walk of what is retained' })
  /** The roots that were walked. */
  #roots: Visited
  /** Roots that came since they were asked for, and were not walked yet. */
  readonly #told: CID[] = []
  /** Times that there may have been more roots without it being said which, … */
  #changes: number
  /** … and of these, how many had been when the roots were asked for that are walked. */
  #askedChanges = 0
  /** The newest cache pack all of whose blocks were there before all roots were walked. */
  #walkedPack = 0

  constructor(store: Store) {
    this.#store = store
    this.#roots = createVisited(store.parts.tagger)
    this.#changes = store.parts.retained === undefined ? 0 : 1
  }

  /** Whether there may be roots that were not walked: then {@link find} comes before anything goes. To be asked in the same turn. */
  get isStale(): boolean {
    return this.#told.length > 0 || this.#changes !== this.#askedChanges
  }

  /** Whether nothing is retained. */
  get isEmpty(): boolean {
    return this.#roots.size === 0 && !this.isStale
  }

  /** There are more roots from now on; or there may be, and it is not known which. */
  note(roots?: readonly CID[]): void {
    if (this.#store.parts.retained === undefined) return
    if (roots !== undefined && this.#told.length + roots.length <= maxTold) this.#told.push(...roots)
    else this.#changes += 1
  }

  /** An entry in a cache pack was reached. */
  retain(handle: Handle): void {
    const { catalog } = this.#store.parts
    catalog.setFlags(handle, catalog.flags(handle) | entryFlags.retained)
  }

  /** Whether an entry in a cache pack is to move to a kept one. */
  has(handle: Handle): boolean {
    const { catalog, retained } = this.#store.parts
    // Without a provider it is marks alone that reach what may have holes.
    return (catalog.flags(handle) & entryFlags.retained) !== 0 && (retained === undefined || !this.isEmpty)
  }

  /**
   * Finds what is here of the roots that were not walked yet.
   *
   * @param dropped - the cache pack that is to go
   * @throws what the provider of the roots rejects with
   */
  async find(dropped?: Pack): Promise<void> {
    const { retained } = this.#store.parts
    if (retained === undefined) return
    const isAnew = (): boolean => dropped !== undefined && dropped.id > this.#walkedPack
    if (!this.isStale && !isAnew()) return
    using _turn = await this.#turn.acquire()
    while (this.isStale || isAnew()) {
      if (this.#changes !== this.#askedChanges || isAnew()) await this.#walkAll(retained, isAnew())
      else await this.#walkTold()
    }
  }

  /** Asks for the roots, and walks those that were not walked before, or all of them. */
  async #walkAll(retained: Retained, isAnew: boolean): Promise<void> {
    const { tagger } = this.#store.parts
    const changes = this.#changes
    const told = this.#told.length
    const walkedPack = this.#newestSealed()
    const known = isAnew ? createVisited(tagger) : this.#roots
    const roots = createVisited(tagger)
    const pace = new Pace(sliceMs)
    await this.#walk(async function* () {
      for await (const cid of retained()) {
        if (pace.isDue) await pace.turn()
        if (roots.add(cid) && !known.has(cid)) yield { cid, missing: 'skip' }
      }
    })
    this.#roots = roots
    this.#told.splice(0, told)
    this.#askedChanges = changes
    if (isAnew) this.#walkedPack = walkedPack
  }

  async #walkTold(): Promise<void> {
    const told = [...this.#told]
    await this.#walk(() => told.map((cid) => ({ cid, missing: 'skip' })))
    for (const cid of told) this.#roots.add(cid)
    this.#told.splice(0, told.length)
  }

  async #walk(claims: MarkWalkOptions['claims']): Promise<void> {
    const store = this.#store
    const { catalog, epochs } = store.parts
    await walkClaims({
      ...walkOf(store),
      claims,
      // What cannot be read is passed by like what is not here.
      read: (cid) => tryTwice(() => store.get(store.blockKey(cid))),
      // Until a mark comes to another end. One that runs may have asked for the claims before this root was among them.
      epochs: {
        reach: (handle) => {
          catalog.setMark(handle, epochs.freshMark(true))
          return true
        },
      },
      sliceMs,
    })
  }

  #newestSealed(): number {
    return this.#store.parts.packs.reduce(
      (newest, pack) =>
        pack?.stream === 'cache' && pack.state === 'sealed' ? Math.max(newest, pack.id) : newest,
      0,
    )
  }
}
