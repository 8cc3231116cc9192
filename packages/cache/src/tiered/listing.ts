/** The keys of several tiers as one list: merged, each key once, in byte order. */
import { StorageError, compareKeys, type ListPage, type ObjectStat } from '@ipfs-kit/storage'
import { throwIfCancelled } from '@ipfs-kit/concurrency'
import { sayingOf } from './breaker.ts'
import type { Contents } from './content.ts'
import { tiersFailed } from './search.ts'
import type { Tier } from './tier.ts'

/** A store may show pages without entries in between, as for what it filters; not for ever. */
const maxEmptyPages = 1000

/** Where a tier's own listing stands: the cursor of the page that is being read, `''` for the first, null when it has ended. */
type Position = string | null

/** What a cursor of ours has in it. */
interface Mark {
  /** The last key that was listed. */
  readonly after: string
  readonly prefix: string
  readonly tiers: readonly Position[]
}

/** The listing of one tier, page by page. */
export class TierListing {
  readonly tier: Tier
  readonly #prefix: string
  readonly #keys: Contents['keys']
  #page: readonly ObjectStat[] = []
  #at = 0
  #position: Position
  #next: Position
  #last: string | undefined
  /** Pages without an entry in a row. */
  #empty = 0

  constructor(tier: Tier, prefix: string, keys: Contents['keys'], position: Position = '') {
    this.tier = tier
    this.#prefix = prefix
    this.#keys = keys
    this.#position = position
    this.#next = position
  }

  /** The cursor of the page of which entries may still be wanted. */
  get position(): Position {
    return this.#at < this.#page.length ? this.#position : this.#next
  }

  /** The next entry behind a key, without taking it. */
  async head(after: string | undefined): Promise<ObjectStat | undefined> {
    for (;;) {
      for (; this.#at < this.#page.length; this.#at += 1) {
        const entry = this.#page[this.#at]!
        if (after === undefined || compareKeys(entry.key, after) > 0) return entry
      }
      if (this.#next === null) return undefined
      await this.#turn(this.#next)
    }
  }

  async #turn(cursor: string): Promise<void> {
    this.tier.mustBeClosed()
    const page = await this.tier.call(async ({ signal }) => {
      const listed = await this.tier.backend.list({
        prefix: this.#prefix,
        ...(cursor === '' ? {} : { cursor }),
        signal,
      })
      this.#mustGoOn(listed, cursor)
      return listed
    })
    this.#page = this.#keys === 'cid' ? page.entries.filter(({ key }) => isCidKey(key)) : page.entries
    this.#at = 0
    this.#position = cursor
    this.#next = page.cursor ?? null
  }

  /** A list that turns back, or goes on with nothing, may have no end. */
  #mustGoOn({ entries, cursor }: ListPage, former: string): void {
    let last = this.#last
    for (const { key } of entries) {
      if (!key.startsWith(this.#prefix) || (last !== undefined && compareKeys(key, last) <= 0))
        throw this.tier.odd('it lists out of order, or what was not asked for')
      last = key
    }
    this.#empty = entries.length === 0 ? this.#empty + 1 : 0
    if (cursor !== undefined && (cursor === former || this.#empty > maxEmptyPages))
      throw this.tier.odd('its list has no end')
    this.#last = last
  }
}

/** Keys as tiers of CIDs list them: version 1, raw, base32. What else lies in a bucket is not ours. */
function isCidKey(key: string): boolean {
  return /^bafk[a-z2-7]{40,}$/.test(key)
}

/** The entry that comes next in all of the listings, which are asked one after the other. */
export async function nextOf(
  listings: readonly TierListing[],
  after: string | undefined,
): Promise<{ readonly entry: ObjectStat; readonly tiers: readonly Tier[] } | undefined> {
  let first: ObjectStat | undefined
  let tiers: Tier[] = []
  for (const listing of listings) {
    const head = await headOf(listing, after)
    if (head === undefined) continue
    const order = first === undefined ? -1 : compareKeys(head.key, first.key)
    if (order < 0) {
      first = head
      tiers = [listing.tier]
    } else if (order === 0) tiers.push(listing.tier)
  }
  return first === undefined ? undefined : { entry: first, tiers }
}

/** A list that lacks a tier is none. */
async function headOf(listing: TierListing, after: string | undefined): Promise<ObjectStat | undefined> {
  try {
    return await listing.head(after)
  } catch (error) {
    throwIfCancelled()
    if (error instanceof StorageError && error.code === 'STORAGE_INVALID_CURSOR') throw error
    throw tiersFailed('The list is not whole', [{ tier: listing.tier, why: sayingOf(error), error }])
  }
}

/** What a store of several tiers tells of a value: versions and times are those of each tier, and only a CID is one for all. */
export function statIn(keys: Contents['keys'], key: string, size: number): ObjectStat {
  return { key, size, version: keys === 'cid' ? key : undefined, modifiedMs: undefined, sha256: undefined }
}

/** A page of the merged list. @throws StorageError STORAGE_INVALID_CURSOR */
export async function listPage(
  tiers: readonly Tier[],
  keys: Contents['keys'],
  options: { readonly prefix: string; readonly limit: number; readonly mark: Mark | undefined },
): Promise<ListPage> {
  const { prefix, limit, mark } = options
  const listings = tiers.map((tier, at) => new TierListing(tier, prefix, keys, mark?.tiers[at]))
  const entries: ObjectStat[] = []
  let after = mark?.after
  while (entries.length < limit) {
    const next = await nextOf(listings, after)
    if (next === undefined) return { entries }
    const { key, size } = next.entry
    entries.push(statIn(keys, key, size))
    after = key
  }
  const next: Mark = { after: after!, prefix, tiers: listings.map(({ position }) => position) }
  return { entries, cursor: Buffer.from(JSON.stringify(next)).toString('base64url') }
}

/** @throws StorageError STORAGE_INVALID_CURSOR */
export function readMark(cursor: string, prefix: string, tiers: number): Mark {
  try {
    const mark = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as Mark
    const isOurs =
      mark.prefix === prefix &&
      typeof mark.after === 'string' &&
      mark.after.startsWith(prefix) &&
      Array.isArray(mark.tiers) &&
      mark.tiers.length === tiers &&
      mark.tiers.every((position) => position === null || typeof position === 'string')
    if (isOurs) return mark
  } catch (error) {
    if (!(error instanceof SyntaxError) && !(error instanceof TypeError)) throw error
  }
  throw new StorageError(
    'STORAGE_INVALID_CURSOR',
    'The cursor is not one that this store gave for this prefix',
  )
}
