import { sleep } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { describe, expect, test } from 'vitest'
import type { PackedBatch } from '../src/sqlite/calls.ts'
import { Feed } from '../src/sqlite/feed.ts'
import type { SqliteThread } from '../src/sqlite/thread.ts'

/** On virtual time: a rest is over when it is. */
const onSim = forEachBackend(test, { seeds: 10, only: 'sim' })

/** A feed, and a writer that answers when the test says so. */
function feedOf() {
  const standing = { lsn: 0, recovering: 0 }
  const writer = { isAwaited: false, full: 0 }
  /** What it was asked for: `sweep`, or the LSNs with which the batches of a slice begin. */
  const asked: ('sweep' | number[])[] = []
  const waiting: ((isFull: boolean) => void)[] = []
  const send = ((name, argument, _moved, done) => {
    asked.push(name === 'sweep' ? name : (argument as PackedBatch[]).map(({ firstLsn }) => firstLsn))
    waiting.push(done)
  }) as SqliteThread['send']
  const feed = new Feed({
    thread: { send },
    standing: () => standing,
    isAwaited: () => writer.isAwaited,
    onFull: () => (writer.full += 1),
  })
  let nextLsn = 1
  return {
    feed,
    standing,
    writer,
    asked,
    /** Gives a batch of so many records of 96 bytes, which take 100 each with their lengths. */
    give: (records = 1): void => {
      feed.give({ firstLsn: nextLsn, payloads: Array.from({ length: records }, () => new Uint8Array(96)) })
      nextLsn += records
    },
    /** The writer has done what it was asked for first, and stands there; or it found no room. */
    answer: (lsn: number, isFull = false): void => {
      standing.lsn = lsn
      feed.told()
      waiting.shift()!(isFull)
    },
  }
}

describe('what waits for the writer of the index', () => {
  onSim('is one slice after a rest, whose length goes by what the slice before it had', async () => {
    const { feed, asked, give, answer } = feedOf()
    give(100)
    answer(100)
    give()
    give()
    await sleep(19)
    expect(asked).toEqual([[1]])
    expect(feed.stats()).toEqual({ lagMs: 19, queuedBytes: 200, isFull: false })
    await sleep(2)
    expect(asked).toEqual([[1], [101, 102]])
    answer(102)
    expect(feed.stats()).toEqual({ lagMs: 0, queuedBytes: 0, isFull: false })
    await feed.close()
  })

  onSim('does not rest while somebody waits, or when it fills a slice', async () => {
    const { feed, writer, asked, give, answer } = feedOf()
    give(100)
    answer(100)
    give()
    writer.isAwaited = true
    feed.go()
    expect(asked).toEqual([[1], [101]])
    writer.isAwaited = false
    answer(101)
    give(12_000)
    expect(asked).toEqual([[1], [101], [102]])
    await feed.close()
  })

  onSim('comes two slices at a time', async () => {
    const { feed, writer, asked, give, answer } = feedOf()
    writer.isAwaited = true
    for (let nth = 0; nth < 4; nth += 1) give()
    expect(asked).toEqual([[1], [2]])
    answer(1)
    expect(asked).toEqual([[1], [2], [3, 4]])
    await feed.close()
  })

  onSim('waits while the volume is full, is asked for again, and goes on', async () => {
    const { feed, writer, asked, give, answer } = feedOf()
    give()
    answer(0, true)
    expect(writer.full).toBe(1)
    give()
    expect(feed.stats()).toMatchObject({ queuedBytes: 200, isFull: true })
    await sleep(499)
    expect(asked).toEqual([[1]])
    await sleep(2)
    expect(asked).toEqual([[1], []])
    answer(0, true)
    await sleep(501)
    expect(asked).toEqual([[1], [], []])
    answer(1)
    expect(asked).toEqual([[1], [], [], [2]])
    expect([feed.isFull, writer.full]).toEqual([false, 2])
    await feed.close()
  })

  onSim('is kept from it while it is held, and what it goes on with is let go', async () => {
    const { feed, asked, give, standing } = feedOf()
    {
      using _held = feed.hold()
      give()
      give()
      standing.lsn = 1
      feed.told()
      expect([asked, feed.stats().queuedBytes]).toEqual([[], 100])
    }
    expect(asked).toEqual([[2]])
    await feed.close()
  })

  onSim('is given to it at the end, and nothing is recovered before there is room', async () => {
    const { feed, standing, asked, give, answer } = feedOf()
    standing.recovering = 2
    feed.told()
    feed.told()
    give(100)
    expect(asked).toEqual(['sweep', [1]])
    answer(0, true)
    answer(0, true)
    await sleep(501)
    answer(100)
    expect(asked).toEqual(['sweep', [1], [], 'sweep'])
    give(100)
    give()
    expect(asked).toEqual(['sweep', [1], [], 'sweep', [101]])
    await feed.close()
    expect(asked).toEqual(['sweep', [1], [], 'sweep', [101], [201]])
  })
})
