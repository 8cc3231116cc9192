/** A UnixFS file in memory, a tier that takes its time for each of its blocks, and a reader that goes through it in order. */
import { createHash } from 'node:crypto'
import { code as dagPbCode, decode, type PBLink } from '@ipld/dag-pb'
import { createSemaphore, sleep } from '@ipfs-kit/concurrency'
import type { FetchContext } from '@ipfs-kit/cache/predictive'
import { fixedSize } from 'ipfs-unixfs-importer/chunker'
import { importFile } from 'ipfs-unixfs-importer'
import { balanced } from 'ipfs-unixfs-importer/layout'
import { CID } from 'multiformats/cid'
import { numbers } from './keys.ts'

/** A file as its blocks by the text of their CIDs: leaves of 256 KiB, 174 links a node. */
export interface UnixfsFile {
  readonly root: string
  readonly blocks: ReadonlyMap<string, Uint8Array>
  readonly sha256: string
}

export const leafBytes = 262_144

/** Makes a file of content that does not repeat. */
export async function makeFile(bytes: number): Promise<UnixfsFile> {
  const blocks = new Map<string, Uint8Array>()
  const hash = createHash('sha256')
  const next = numbers(7)
  async function* content(): AsyncGenerator<Uint8Array> {
    for (let left = bytes; left > 0; left -= leafBytes) {
      const chunk = new Uint8Array(Math.min(left, leafBytes))
      const words = new Uint32Array(chunk.buffer)
      for (let at = 0; at < words.length; at += 1) words[at] = next()
      hash.update(chunk)
      yield chunk
    }
  }
  const store = {
    put: async (cid: CID, block: Uint8Array | AsyncIterable<Uint8Array> | Iterable<Uint8Array>) => {
      if (!(block instanceof Uint8Array)) throw new TypeError('the importer gives blocks whole')
      blocks.set(cid.toString(), block)
      return cid
    },
  }
  const { cid } = await importFile({ content: content() }, store, {
    chunker: fixedSize({ chunkSize: leafBytes }),
    layout: balanced({ maxChildrenPerNode: 174 }),
    rawLeaves: true,
    cidVersion: 1,
  })
  return { root: cid.toString(), blocks, sha256: hash.digest('hex') }
}

/** The links of a block, as texts. */
export function linksOf(key: string, block: Uint8Array): string[] {
  if (CID.parse(key).code !== dagPbCode) return []
  return decode(block).Links.map((link: PBLink) => link.Hash.toString())
}

/** A tier with a time for each block and a number of them at once. It heeds the signal, or finishes what it has begun. */
export class SlowTier {
  readonly #blocks: ReadonlyMap<string, Uint8Array>
  readonly #turns = createSemaphore(16)
  readonly #heeds: boolean
  /** Keys whose fetch was begun and finished. */
  readonly begun: string[] = []
  readonly delivered: string[] = []

  constructor({ blocks }: UnixfsFile, heeds = true) {
    this.#blocks = blocks
    this.#heeds = heeds
  }

  readonly fetch = async (key: string, { signal }: Pick<FetchContext, 'signal'>): Promise<Uint8Array> => {
    using _turn = await this.#turns.acquire()
    this.begun.push(key)
    if (this.#heeds) await sleep(tierMs)
    // oxlint-disable-next-line promise/avoid-new -- time that no signal cuts short
    else await new Promise((resolve) => setTimeout(resolve, tierMs))
    this.delivered.push(key)
    signal.throwIfAborted()
    return this.#blocks.get(key)!
  }

  bytesOf(keys: readonly string[]): number {
    return keys.reduce((sum, key) => sum + this.#blocks.get(key)!.byteLength, 0)
  }
}

export const tierMs = 20

/** The keys of a file in reading order. */
export function orderOf(file: UnixfsFile): string[] {
  const keys: string[] = []
  const walk = (key: string): void => {
    keys.push(key)
    for (const link of linksOf(key, file.blocks.get(key)!)) walk(link)
  }
  walk(file.root)
  return keys
}

/** Reads a file through a getter, one block at a time. What it waited, and the hash of the content. */
export async function readThrough(
  root: string,
  get: (key: string) => Promise<Uint8Array>,
): Promise<{ readonly stallMs: number; readonly sha256: string }> {
  const hash = createHash('sha256')
  let stallMs = 0
  const walk = async (key: string): Promise<void> => {
    const askedAt = performance.now()
    const block = await get(key)
    stallMs += performance.now() - askedAt
    const links = linksOf(key, block)
    if (links.length === 0) hash.update(block)
    for (const link of links) await walk(link)
  }
  await walk(root)
  return { stallMs, sha256: hash.digest('hex') }
}
