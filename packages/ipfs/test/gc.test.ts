import { CID } from 'multiformats/cid'
import { describe, expect, it } from 'vitest'
import { absent, cidOf } from './nodes.ts'
import {
  added,
  addFile,
  all,
  bytesOf,
  drain,
  opened,
  pattern,
  pinned,
  read,
  rejection,
  stalled,
} from './opened.ts'

it('removes what no pin reaches and counts it', async () => {
  const { ipfs } = await opened()
  const kept = await addFile(ipfs, pattern(1000), { chunkBytes: 100 })
  const free = await addFile(ipfs, pattern(500, 2), { chunkBytes: 100, pin: false })
  expect(await ipfs.repo.stat()).toMatchObject({ blocks: 17, pins: 1 })
  const { removedBlocks, removedBytes, keptBlocks } = await ipfs.repo.gc()
  expect([removedBlocks, keptBlocks]).toEqual([6, 11])
  expect(removedBytes).toBeGreaterThan(500)
  expect(await read(ipfs, kept)).toHaveLength(1000)
  expect(await rejection(read(ipfs, free))).toMatchObject({ code: 'IPFS_BLOCK_NOT_FOUND' })
  expect(await ipfs.repo.gc()).toMatchObject({ removedBlocks: 0, removedBytes: 0, keptBlocks: 11 })
})

it('of an empty store removes nothing', async () => {
  const { ipfs } = await opened()
  expect(await ipfs.repo.gc()).toEqual({ removedBlocks: 0, removedBytes: 0, keptBlocks: 0, freedBytes: 0 })
})

describe('a pinned DAG with a hole', () => {
  it('stops the collection before anything is removed, and names the pin', async () => {
    const { ipfs } = await opened()
    const { items, cid } = await added(ipfs, [{ path: 'd/sub/a', content: bytesOf('a') }])
    await addFile(ipfs, 'free', { pin: false })
    const sub = items.find((item) => item.path === 'd/sub')!.cid
    await ipfs.blockstore.delete(sub)
    expect(await rejection(ipfs.repo.gc())).toMatchObject({
      code: 'IPFS_GC_INCOMPLETE',
      kind: 'integrity',
      message: expect.stringContaining(cid.toString()),
    })
    expect((await ipfs.repo.stat()).blocks).toBe(3)
    // Adding the content again mends it, and so does removing the pin.
    await added(ipfs, [{ path: 'd/sub/a', content: bytesOf('a') }])
    expect((await ipfs.repo.gc()).removedBlocks).toBe(1)
    await ipfs.blockstore.delete(sub)
    await drain(ipfs.pins.rm(cid))
    expect((await ipfs.repo.gc()).removedBlocks).toBe(2)
  })

  it('that is a leaf protects nothing, so the rest is collected', async () => {
    const { ipfs } = await opened()
    const { items } = await added(ipfs, [
      { path: 'd/a', content: bytesOf('a') },
      { path: 'd/b', content: bytesOf('b') },
    ])
    await addFile(ipfs, 'free', { pin: false })
    await ipfs.blockstore.delete(items[0]!.cid)
    expect((await ipfs.repo.gc()).removedBlocks).toBe(1)
  })
})

describe('calls at once', () => {
  it('that come while one runs share the next, which knows what was unpinned since', async () => {
    const { ipfs } = await opened()
    const unpinned = await addFile(ipfs, 'unpinned in between')
    await addFile(ipfs, pattern(1000), { chunkBytes: 10, pin: false })
    const first = ipfs.repo.gc()
    await drain(ipfs.pins.rm(unpinned))
    const [one, other] = await Promise.all([ipfs.repo.gc(), ipfs.repo.gc()])
    expect(other).toBe(one)
    expect((await first).removedBlocks + one.removedBlocks).toBe(102)
    expect((await ipfs.repo.stat()).blocks).toBe(0)
  })

  it('are not stopped by the abort of one of them', async () => {
    const { ipfs } = await opened()
    await addFile(ipfs, pattern(1000), { chunkBytes: 10, pin: false })
    for (const leaving of [0, 1]) {
      await addFile(ipfs, pattern(1000), { chunkBytes: 10, pin: false })
      const aborts = [new AbortController(), new AbortController()]
      const first = ipfs.repo.gc()
      // It begins in a turn of its own; those who call before that share it.
      await new Promise(setImmediate)
      const calls = aborts.map(({ signal }) => ipfs.repo.gc({ signal }))
      aborts[leaving]!.abort('enough')
      expect(await rejection(calls[leaving]!)).toBe('enough')
      expect((await first).removedBlocks).toBe(101)
      expect((await calls[1 - leaving])?.removedBlocks).toBe(0)
    }
  })

  it('that follow on the abort of all of them get a collection of their own', async () => {
    const { ipfs } = await opened()
    await addFile(ipfs, pattern(2000), { chunkBytes: 10, pin: false })
    const abort = new AbortController()
    const first = rejection(ipfs.repo.gc({ signal: abort.signal }))
    abort.abort('enough')
    const second = ipfs.repo.gc()
    expect(await first).toBe('enough')
    await second
    expect((await ipfs.repo.stat()).blocks).toBe(0)
  })
})

describe('while garbage is collected', () => {
  it('an archive that is being imported keeps its blocks', async () => {
    const { ipfs: source } = await opened()
    const { ipfs } = await opened()
    const cid = await addFile(source, pattern(2000), { chunkBytes: 50 })
    async function* slowly() {
      for await (const chunk of await source.car.export(cid.toString())) {
        yield chunk
        await ipfs.repo.gc()
      }
    }
    await ipfs.car.import(slowly())
    await ipfs.repo.gc()
    expect(await read(ipfs, cid)).toEqual(Buffer.from(pattern(2000)))
  })

  it('a pin that is being made keeps what it has found', async () => {
    const { ipfs } = await opened()
    const cid = await addFile(ipfs, pattern(1000), { chunkBytes: 10, pin: false })
    let removed = 0
    const collecting = (async () => {
      // The root is read with the first step; its leaves are held batch by batch.
      for await (const _ of ipfs.pins.add(cid)) removed += (await ipfs.repo.gc()).removedBlocks
    })()
    const outcome = await collecting.then(
      () => 'pinned',
      (error: { code: string }) => error.code,
    )
    // Either all of it was found, or what was collected before it was found is reported; never a pin with a hole.
    if (outcome === 'pinned') expect(removed).toBe(0)
    else expect([outcome, await pinned(ipfs)]).toEqual(['IPFS_BLOCK_NOT_FOUND', []])
    await ipfs.repo.gc()
  })

  it('an add that is not over keeps what it found there already', async () => {
    const { ipfs } = await opened()
    const files = ['a', 'b'].map((path, at) => ({ path, content: pattern(1_000_000, at + 1) }))
    await added(ipfs, files, { pin: false })
    const { blocksWritten } = ipfs.stats()
    const lines = ipfs.files.add([...files, { path: 'c', content: stalled().content }], { pin: false })
    // Each line says that the lease has its file; the folder of both waits for the third.
    for (const { path } of files) expect((await lines.next()).value).toMatchObject({ path })
    expect((await ipfs.repo.gc()).keptBlocks).toBe(2)
    expect(ipfs.stats().blocksWritten).toBe(blocksWritten)
    await lines.return()
    await ipfs.repo.gc()
    expect((await ipfs.repo.stat()).blocks).toBe(0)
  })

  it('an export keeps the blocks that it has not sent yet from nobody, and says what is gone', async () => {
    const { ipfs } = await opened()
    const cid = await addFile(ipfs, pattern(1000), { chunkBytes: 10, pin: false })
    const reading = async () => {
      for await (const _ of await ipfs.car.export(cid.toString())) await ipfs.repo.gc()
    }
    expect(await rejection(reading())).toMatchObject({ code: 'IPFS_BLOCK_NOT_FOUND' })
  })
})

it('comes to its end while pins are made all the time', async () => {
  const { ipfs } = await opened()
  let running = true
  let at = 0
  const adding = (async () => {
    while (running) await ipfs.dag.put({ at: (at += 1) }, { pin: true })
  })()
  const collecting = ipfs.repo.gc()
  await collecting
  running = false
  await adding
  expect((await ipfs.repo.stat()).blocks).toBe(at)
})

describe('1,000 rounds of adds against a collection that never rests', () => {
  it('leave every answered CID complete, and nothing else', async () => {
    const { ipfs } = await opened()
    const answered = new Map<string, CID>()
    let collections = 0
    let running = true
    const collector = (async () => {
      for (; running; collections += 1) await ipfs.repo.gc()
    })()
    /** Adding walks all of it, and each block is read and so verified. */
    const walk = async (cid: CID): Promise<string[]> => {
      const blocks = await all(ipfs.pins.add(cid))
      return Promise.all(blocks.map(async (block) => cidOf(await ipfs.blocks.get(block)).toString()))
    }
    const round = async (at: number): Promise<void> => {
      const abort = new AbortController()
      const entries = [
        { path: 'd/shared', content: pattern(64, at % 7) },
        { path: 'd/own', content: bytesOf(`round ${at}`) },
        { path: 'd/sub/half-shared', content: pattern(96, at % 50) },
      ]
      const aborted = at % 5 === 0
      let steps = 0
      const onProgress = (): void => {
        steps += 1
        if (aborted && steps === 1 + (at % 3)) setImmediate(() => abort.abort('enough'))
      }
      try {
        const { cid } = await added(ipfs, entries, { chunkBytes: 32, signal: abort.signal, onProgress })
        answered.set(cid.toString(), cid)
      } catch (error) {
        expect([aborted, error]).toEqual([true, 'enough'])
      }
      // Few pins at a time, so that collections are short and many.
      const [oldest] = answered.size > 16 ? answered.values() : []
      if (oldest === undefined) return
      answered.delete(oldest.toString())
      await walk(oldest)
      await drain(ipfs.pins.rm(oldest))
    }
    for (let from = 0; from < 1000; from += 8) {
      await Promise.all(Array.from({ length: 8 }, (_, at) => round(from + at)))
    }
    running = false
    await collector
    expect(collections).toBeGreaterThan(10)
    await ipfs.repo.gc()
    expect((await pinned(ipfs)).toSorted()).toEqual([...answered.keys()].toSorted())
    const reached = new Set<string>()
    for (const cid of answered.values()) for (const block of await walk(cid)) reached.add(block)
    expect((await ipfs.repo.stat()).blocks).toBe(reached.size)
    expect(ipfs.stats()).toMatchObject({ openLeases: 0, corruptReads: 0 })
  })
})

describe('roots that others keep', () => {
  it('are not collected with what is here below them, and are as soon as nobody names them', async () => {
    const kept: CID[] = []
    const { ipfs } = await opened({ roots: () => kept.map((cid) => ({ cid, missing: 'skip' })) })
    const { items, cid } = await added(
      ipfs,
      ['a', 'b'].map((name) => ({ path: `d/${name}/file`, content: bytesOf(name) })),
      { pin: false },
    )
    await addFile(ipfs, 'free', { pin: false })
    kept.push(cid, absent)
    await ipfs.blockstore.delete(items.find((item) => item.path === 'd/a')!.cid)
    // The file behind the hole, and the free one.
    expect(await ipfs.repo.gc()).toMatchObject({ removedBlocks: 2, keptBlocks: 3 })
    kept.length = 0
    expect(await ipfs.repo.gc()).toMatchObject({ removedBlocks: 3, keptBlocks: 0 })
  })

  it('stop the collection where something below them is missing, unless nobody has promised that it is here', async () => {
    const kept: CID[] = []
    const { ipfs } = await opened({ roots: () => kept.map((cid) => ({ cid })) })
    const { items, cid } = await added(ipfs, [{ path: 'd/sub/file', content: bytesOf('file') }])
    await drain(ipfs.pins.rm(cid))
    kept.push(cid)
    await ipfs.blockstore.delete(items.find((item) => item.path === 'd/sub')!.cid)
    expect(await rejection(ipfs.repo.gc())).toMatchObject({ code: 'IPFS_GC_INCOMPLETE' })
    expect((await ipfs.repo.stat()).blocks).toBe(2)
  })

  it('that cannot be told stop the collection', async () => {
    const failure = new Error('the log is closed')
    const roots = () => {
      throw failure
    }
    const { ipfs } = await opened({ roots })
    await addFile(ipfs, 'free', { pin: false })
    expect(await rejection(ipfs.repo.gc())).toBe(failure)
    expect((await ipfs.repo.stat()).blocks).toBe(1)
  })
})
