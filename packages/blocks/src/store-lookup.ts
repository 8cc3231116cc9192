/** Where keys lead: their entries in the catalog, and the frames that these point to. It changes nothing. */
import { type Catalog, entryFlags, type Handle, none } from './catalog.ts'
import { diskFailure } from './disk-failure.ts'
import type { Epochs } from './epochs.ts'
import { hasKey, type Place } from './frame-reader.ts'
import type { Pack } from './pack.ts'
import type { PackFolder } from './pack-folder.ts'
import { isUnreadable, readAgain } from './read-around.ts'
import type { Key } from './store.ts'

/** What is looked up in. */
export interface LookupParts {
  readonly catalog: Catalog
  readonly epochs: Epochs
  readonly folder: PackFolder
  /** Packs by their place; holes are free places. */
  readonly packs: readonly (Pack | undefined)[]
}

/** The entries of one store. */
export class Lookup {
  readonly #parts: LookupParts

  constructor(parts: LookupParts) {
    this.#parts = parts
  }

  /**
   * The entry of a key by its tag alone: 64 bits, keyed, so that nobody can make two keys share one. Damaged entries are
   * misses. Valid until the next change.
   */
  entry(key: Key): Handle {
    const { catalog } = this.#parts
    for (
      let at = catalog.find(key.high, key.low);
      at !== none;
      at = catalog.findNext(at, key.high, key.low)
    ) {
      if ((catalog.flags(at) & entryFlags.damaged) === 0) return at
    }
    return none
  }

  /** Calls `each` for every entry that may be a key's, in the turn in which it was found. A promise only if packs are asked. */
  eachEntry(key: Key, each: (handle: Handle) => void): void | Promise<void> {
    const { catalog } = this.#parts
    const inMemory = (): void => {
      for (
        let at = catalog.find(key.high, key.low);
        at !== none;
        at = catalog.findNext(at, key.high, key.low)
      ) {
        if ((catalog.flags(at) & entryFlags.damaged) === 0) each(at)
      }
    }
    if (!catalog.hasCold || this.#isKept(this.entry(key))) return inMemory()
    return catalog.findCold(key.high, key.low).then((cold) => {
      for (const handle of cold) {
        if (catalog.has(handle) && (catalog.flags(handle) & entryFlags.damaged) === 0) each(handle)
      }
      inMemory()
    })
  }

  /**
   * What `use` makes of the entry of a key, also in packs that are answered from their footers; `undefined` if there is
   * none. It is called in the turn in which the entry was found.
   */
  async withEntry<T>(key: Key, use: (handle: Handle) => T): Promise<T | undefined> {
    const handle = this.entry(key)
    const { catalog } = this.#parts
    if (handle !== none) return use(handle)
    if (!catalog.hasCold) return undefined
    for (const cold of await catalog.findCold(key.high, key.low)) {
      if (catalog.has(cold) && (catalog.flags(cold) & entryFlags.damaged) === 0) return use(cold)
    }
    const moved = this.entry(key)
    return moved === none ? undefined : use(moved)
  }

  placeOf(handle: Handle): Place {
    const { catalog, packs } = this.#parts
    return {
      pack: packs[catalog.pack(handle)]!,
      offset: catalog.offset(handle),
      payloadBytes: catalog.length(handle),
    }
  }

  #isKept(handle: Handle): boolean {
    const { catalog, packs } = this.#parts
    return handle !== none && packs[catalog.pack(handle)]?.stream === 'kept'
  }

  /** Whether an entry has the tag of a key, as far as memory can tell. */
  mayBeThere(key: Key): boolean {
    const { catalog } = this.#parts
    return catalog.hasCold || catalog.find(key.high, key.low) !== none
  }

  /** The places of all entries with the tag of a key. With `leased` they cannot go from here on. */
  async places(key: Key, leased = false): Promise<readonly Place[]> {
    const { catalog, epochs } = this.#parts
    const places: Place[] = []
    const note = (handle: Handle): void => {
      if (leased) epochs.touch(handle)
      places.push(this.placeOf(handle))
    }
    const cold = catalog.hasCold ? await catalog.findCold(key.high, key.low) : []
    for (let at = catalog.find(key.high, key.low); at !== none; at = catalog.findNext(at, key.high, key.low))
      note(at)
    cold.filter((handle) => catalog.has(handle)).forEach(note)
    return places
  }

  /** Where a key leads; the frame is there, but its payload was not looked at. */
  async locate(key: Key): Promise<Place | undefined> {
    for (const place of await this.places(key)) {
      try {
        if (await readAgain(() => hasKey(this.#parts.folder, place, key.kind, key.bytes))) return place
      } catch (cause) {
        if (place.pack.state === 'gone') return this.locate(key)
        // It cannot be told, as of one that is damaged: the tag is the key's.
        if (isUnreadable(cause)) return place
        throw diskFailure(cause, `read ${place.pack.path}`)
      }
    }
    return undefined
  }
}
