import { cancelScope, tree, type TreeNode } from '@ipfs-kit/concurrency'
import type { CreateBlockCache, Ipfs } from '@ipfs-kit/ipfs'
import type { CID } from 'multiformats/cid'
import { expect, it } from 'vitest'
import { addFile, drain, opened, pattern, rejection } from './opened.ts'

const chunkBytes = 10

/** A cache that answers from the packs, until it is told to stall. */
class StallingCache {
  /** Signals of the reads that get no answer. */
  readonly stalled: AbortSignal[] = []
  #left = Number.POSITIVE_INFINITY
  #onStalled = (): void => undefined

  /** Lets it answer so many more reads; to the next ones it never answers, but calls `onStalled`. */
  stall(answers: number, onStalled: () => void = () => undefined): AbortSignal[] {
    this.#left = answers
    this.#onStalled = onStalled
    return this.stalled
  }

  readonly over: CreateBlockCache = (packs) => {
    const get = async (cid: CID, options?: { signal?: AbortSignal }) => {
      this.#left -= 1
      if (this.#left >= 0) return packs.get(cid, options)
      this.stalled.push(options!.signal!)
      this.#onStalled()
      return new Promise<undefined>(() => {})
    }
    const nothing = async (): Promise<void> => {}
    const size = (cid: CID) => packs.size(cid)
    const reader = () => ({ get, pass() {}, [Symbol.asyncDispose]: nothing })
    return { get, size, reader, forget() {}, [Symbol.asyncDispose]: nothing }
  }
}

/** A file of 100 leaves below one root. */
async function openFile(): Promise<{ ipfs: Ipfs; path: string; cache: StallingCache }> {
  const cache = new StallingCache()
  const { ipfs } = await opened({ cache: cache.over })
  return { ipfs, cache, path: (await addFile(ipfs, pattern(1000), { chunkBytes })).toString() }
}

/** Names of the tasks and owners below a node of the tree. */
function namesBelow(node: TreeNode): string[] {
  return node.inner.flatMap((inner) => [inner.name, ...namesBelow(inner)])
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate)
}

it.each(['cat', 'tar'])('a reader of %s that leaves cancels the reads ahead of it', async (what) => {
  const { ipfs, path, cache } = await openFile()
  const before = namesBelow(tree())
  // One answer is for the root at the call; an archive asks for the root again when it is read.
  let leave = (): void => undefined
  const stalled = cache.stall(what === 'cat' ? 2 : 3, () => leave())
  const body = what === 'cat' ? (await ipfs.files.cat(path)).body : await ipfs.files.tar(path)
  const reader = body[Symbol.asyncIterator]()
  if (what === 'cat') {
    expect((await reader.next()).value).toHaveLength(chunkBytes)
    expect(stalled).toHaveLength(3)
    expect(stalled.map((signal) => signal.aborted)).toEqual([false, false, false])
    await reader.return!()
  } else {
    const left = await cancelScope((scope) => {
      leave = () => scope.cancel()
      return reader.next()
    })
    expect(left).toBeUndefined()
  }
  expect(stalled.map((signal) => signal.aborted)).not.toContain(false)
  expect(namesBelow(tree())).toEqual(before)
})

it('a scope around a read can be left though the store never answers', async () => {
  for (const answers of [0, 1, 2]) {
    const { ipfs, path, cache } = await openFile()
    const before = namesBelow(tree())
    let stalled: AbortSignal[] = []
    const left = await cancelScope(async (scope) => {
      stalled = cache.stall(answers, () => scope.cancel())
      await drain((await ipfs.files.cat(path)).body)
      return 'read'
    })
    expect(left).toBeUndefined()
    expect(stalled.length).toBeGreaterThan(0)
    expect(namesBelow(tree())).toEqual(before)
  }
})

it('an abort ends a read though the store never answers, with the reason', async () => {
  for (const answers of [0, 1, 2]) {
    const { ipfs, path, cache } = await openFile()
    cache.stall(answers)
    const abort = new AbortController()
    const reason = new Error('enough')
    const read = async () => drain((await ipfs.files.cat(path, { signal: abort.signal })).body)
    const reading = rejection(read())
    await turns()
    abort.abort(reason)
    expect(await reading).toBe(reason)
  }
})

it('closing ends a read whose reader waits for a store that never answers', async () => {
  const { ipfs, path, cache } = await openFile()
  cache.stall(1)
  const { body } = await ipfs.files.cat(path)
  const reading = rejection(drain(body))
  await turns()
  await ipfs.close()
  expect(await reading).toMatchObject({ code: 'IPFS_CLOSED' })
})

it('readers that are dropped in the middle leave nothing in the tree of tasks', async () => {
  const { ipfs, path } = await openFile()
  const before = namesBelow(tree())
  for (let dropped = 0; dropped < 20; dropped += 1) {
    await (await ipfs.files.cat(path)).body[Symbol.asyncIterator]().next()
  }
  await expect.poll(() => namesBelow(tree()), { interval: 1 }).toEqual(before)
})

it('an add that is dropped in the middle leaves nothing in the tree of tasks', async () => {
  const { ipfs } = await opened()
  const before = namesBelow(tree())
  const entries = Array.from({ length: 100 }, (_, at) => ({ path: `d/${at}`, content: pattern(100, at) }))
  await ipfs.files.add(entries).next()
  await expect.poll(() => namesBelow(tree()), { interval: 1 }).toEqual(before)
})
