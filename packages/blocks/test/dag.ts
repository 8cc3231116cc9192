/** Small DAGs over a plain catalog: blocks whose text names what they link to, and a mark over them. */
import { createHash } from 'node:crypto'
import { CID } from 'multiformats/cid'
import { create as createDigest } from 'multiformats/hashes/digest'
import { identity } from 'multiformats/hashes/identity'
import type { Claim } from '../src/blocks.ts'
import { createEpochs, type Epochs } from '../src/epochs.ts'
import { markClaims, type MarkOptions, type Marked } from '../src/mark.ts'
import { createTagger } from '../src/tags.ts'
import { firstKept, plainCatalog, type PlainCatalog } from './plain-catalog.ts'

const codec = 0x71

/** CID of a block with links, or of a leaf. */
export function cidOf(text: string, isLeaf = false): CID {
  return CID.createV1(isLeaf ? 0x55 : codec, createDigest(0x12, createHash('sha256').update(text).digest()))
}

/** The text of a block with links. */
export function textOf(links: readonly CID[], name: string): string {
  return [name, ...links.map(String)].join('\n')
}

/** A block with links that lies in its CID. */
export function inlineOf(links: readonly CID[], name = ''): CID {
  return CID.createV1(codec, identity.digest(Buffer.from(textOf(links, name))))
}

const keyOf = (cid: CID): string => Buffer.from(cid.multihash.bytes).toString('latin1')

/** Blocks, claims and epochs. Reads are answered by `read`, which tests replace. */
export class Dag {
  readonly catalog: PlainCatalog
  readonly epochs: Epochs
  readonly texts = new Map<string, string>()
  readonly claimed = new Map<number, Claim>()
  readonly promoted: string[] = []
  readonly retained: number[] = []
  reads = 0
  #nextClaim = 0

  /** `perPart`: entries that one step of a sweep visits. */
  constructor(perPart?: number) {
    this.catalog = plainCatalog(perPart)
    this.epochs = createEpochs(this.catalog)
  }

  /** A block with links in a kept pack, unless another pack is named. */
  node(links: readonly CID[], name = '', pack = firstKept): CID {
    const text = textOf(links, name)
    return this.store(cidOf(text), text, pack)
  }

  leaf(name: string, pack = firstKept): CID {
    return this.store(cidOf(name, true), name, pack)
  }

  store(cid: CID, text: string, pack = firstKept, isLeased = false): CID {
    this.texts.set(keyOf(cid), text)
    this.catalog.add(
      keyOf(cid),
      pack,
      text.length,
      this.epochs.freshMark(isLeased),
      this.epochs.freshStamp(isLeased),
    )
    return cid
  }

  claim(cid: CID, depth?: number): number {
    this.#nextClaim += 1
    this.claimed.set(this.#nextClaim, depth === undefined ? { cid } : { cid, depth })
    return this.#nextClaim
  }

  hold(cid: CID): void {
    this.epochs.touch(this.catalog.find(keyOf(cid))!)
  }

  has(cid: CID): boolean {
    return this.catalog.find(keyOf(cid)) !== undefined
  }

  remove(cid: CID): void {
    this.catalog.remove(keyOf(cid))
  }

  isLive(cid: CID): boolean {
    return this.epochs.isLive(this.catalog.find(keyOf(cid))!)
  }

  isMarked(cid: CID): boolean {
    return this.epochs.isMarked(this.catalog.find(keyOf(cid))!)
  }

  /** Removes what is dead, as compaction does. */
  compact(): void {
    for (const key of this.catalog.keys())
      if (!this.epochs.isLive(this.catalog.find(key)!)) this.catalog.remove(key)
  }

  /** Whether all that a root reaches is there. */
  isComplete(cid: CID): boolean {
    const open = [cid]
    const seen = new Set<string>()
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (seen.has(String(next))) continue
      seen.add(String(next))
      if (!this.has(next)) return false
      if (next.code !== 0x55) open.push(...linksOf(next, Buffer.from(this.texts.get(keyOf(next))!)))
    }
    return true
  }

  read(cid: CID): ReturnType<MarkOptions['read']> {
    this.reads += 1
    return this.has(cid) ? Buffer.from(this.texts.get(keyOf(cid))!) : undefined
  }

  mark(options: Partial<MarkOptions> = {}): Promise<Marked> {
    return markClaims({
      claims: () => this.claimed.values(),
      links: linksOf,
      read: (cid) => this.read(cid),
      lookup: (cid, each) => {
        const handle = this.catalog.find(keyOf(cid))
        if (handle !== undefined) each(handle)
      },
      isKept: (pack) => pack >= firstKept,
      settle: async () => {},
      promote: async (cid) => {
        this.promoted.push(String(cid))
        this.catalog.move(keyOf(cid), firstKept)
        return true
      },
      retain: (handle) => this.retained.push(handle),
      tagger: createTagger(new Uint8Array(16).fill(9)),
      epochs: this.epochs,
      catalog: this.catalog,
      sliceMs: 0,
      ...options,
    })
  }
}

/** The links that a text names. */
export function linksOf(_cid: CID, bytes: Uint8Array): CID[] {
  const [, ...links] = Buffer.from(bytes).toString().split('\n')
  return links.map((link) => CID.parse(link))
}
