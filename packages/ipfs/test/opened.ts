/** A node over a temporary folder that goes away with the test, and short forms of what the tests ask of it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  openIpfs,
  type AddedItem,
  type AddEntry,
  type AddOptions,
  type AddSummary,
  type FailedItem,
  type Ipfs,
  type IpfsOptions,
} from '@ipfs-kit/ipfs'
import type { CID } from 'multiformats/cid'
import { expect, onTestFinished } from 'vitest'

/** A folder that is removed when the test ends. */
export async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'ipfs-kit-test-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  return path
}

/** Opens a node; in a folder of its own unless one is given. It is closed when the test ends. */
export async function opened(options: Partial<IpfsOptions> = {}): Promise<{ ipfs: Ipfs; path: string }> {
  const path = options.path ?? (await folder())
  const ipfs = await openIpfs({ ...options, path })
  onTestFinished(() => ipfs.close())
  return { ipfs, path }
}

export interface Added {
  readonly items: readonly AddedItem[]
  readonly failures: readonly FailedItem[]
  readonly summary: AddSummary
  /** The root. */
  readonly cid: CID
}

/** Adds and sorts what the generator yields. The summary has to be its last value. */
export async function added(
  ipfs: Ipfs,
  entries: Iterable<AddEntry> | AsyncIterable<AddEntry>,
  options?: AddOptions,
): Promise<Added> {
  const items: AddedItem[] = []
  const failures: FailedItem[] = []
  let summary: AddSummary | undefined
  for await (const line of ipfs.files.add(entries, options)) {
    if (summary !== undefined) throw new Error('Something came after the summary')
    if ('items' in line) summary = line
    else if ('failed' in line) failures.push(line)
    else items.push(line)
  }
  if (summary === undefined) throw new Error('There was no summary')
  return { items, failures, summary, cid: summary.cid as CID }
}

/** Adds one file and answers its CID. */
export async function addFile(ipfs: Ipfs, content: Uint8Array | string, options?: AddOptions): Promise<CID> {
  return (await added(ipfs, [{ path: 'file', content: bytesOf(content) }], options)).cid
}

/** All values of a stream. */
export async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const value of values) list.push(value)
  return list
}

/** All bytes of a stream. */
export async function concat(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await all(chunks))
}

/** The bytes of a file in a node. */
export async function read(ipfs: Ipfs, path: string | CID, range?: { offset?: number; length?: number }) {
  return concat((await ipfs.files.cat(path.toString(), range)).body)
}

export async function drain(values: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of values);
}

export function bytesOf(content: Uint8Array | string): Uint8Array {
  return typeof content === 'string' ? new TextEncoder().encode(content) : content
}

/** Bytes of which no 64 KiB block equals another: a small generator (xorshift32), so that the same seed gives the same. */
export function pattern(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length)
  let state = (seed * 0x9e3779b1) | 1
  for (let at = 0; at < length; at += 1) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[at] = state
  }
  return bytes
}

/** Nobody keeps anything: there is no pin and no lease, and whatever was stored goes with a collection. */
export async function expectNothingKept(ipfs: Ipfs): Promise<void> {
  expect(await pinned(ipfs)).toEqual([])
  expect(ipfs.stats().openLeases).toBe(0)
  await ipfs.repo.gc()
  expect(await ipfs.repo.stat()).toMatchObject({ blocks: 0, bytes: 0, pins: 0 })
}

/** CIDs of the pins. */
export async function pinned(ipfs: Ipfs): Promise<string[]> {
  return (await all(ipfs.pins.ls())).map((pin) => pin.cid.toString())
}

/** What a promise rejects with. */
export async function rejection(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => {
      throw new Error('It did not reject')
    },
    (error: unknown) => error,
  )
}

/** A content that gives these chunks and then fails. */
export async function* failing(error: unknown, ...chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks
  throw error
}

/** A content that gives these chunks and then nothing more, ever; it tells when its reader has left. */
export function stalled(...chunks: readonly Uint8Array[]) {
  const waiting = Promise.withResolvers<void>()
  let left = false
  const rest = [...chunks]
  const content: AsyncIterableIterator<Uint8Array> = {
    [Symbol.asyncIterator]: () => content,
    next: async () => {
      const value = rest.shift()
      if (value !== undefined) return { done: false, value }
      waiting.resolve()
      return new Promise(() => {})
    },
    return: async () => {
      left = true
      return { done: true, value: undefined }
    },
  }
  return {
    content,
    /** Resolves when the reader waits for what will not come. */
    reached: waiting.promise,
    get left() {
      return left
    },
  }
}
