import { checkpoint, taskGroup } from '@ipfs-kit/concurrency'
import { cancelAtEveryStep, forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import { describe, expect, test } from 'vitest'
import { contentOf, openOn, outcomes, texts } from './open-on.ts'

const both = forEachBackend(test, { seeds: 50 })

test('an appender that is cancelled at any step leaves the others alone', async () => {
  const report = await cancelAtEveryStep(async (victim) => {
    const disk = simDisk({ seed: 1, faults: { shortWrites: 0, slowWrites: 1 } })
    const log = await openOn(disk, { maxQueuedBytes: 400 })
    let answered: number | undefined
    await taskGroup(async (group) => {
      const others = texts(6).map((payload) => group.spawn(() => log.append(payload)))
      await victim(async () => {
        answered = (await log.appendMany([Buffer.from('a'), Buffer.from('b')]))[0]
      })
      const lsns = await Promise.all(others.map((task) => task.join()))
      const found = await contentOf(log)
      lsns.forEach((lsn, at) => expect(found.get(lsn)).toBe(`record ${at + 1}`))
      const own = [...found].filter(([, text]) => text === 'a' || text === 'b')
      if (answered === undefined) expect([0, 2]).toContain(own.length)
      else expect(own.map(([lsn]) => lsn)).toEqual([answered, answered + 1])
      expect(await log.append(Buffer.from('more'))).toBe(found.size + 1)
    })
    expect(log.stats().queue).toEqual({ appends: 0, bytes: 0, waiting: 0 })
    await log.close()
  })
  expect(report.cancellations).toBeGreaterThan(5)
})

for (const [what, call] of [
  ['a drop', (log) => log.dropBefore(10)],
  ['a verify', (log) => log.verify()],
  ['a read', async (log) => void (await contentOf(log))],
] as const satisfies [string, (log: Awaited<ReturnType<typeof openOn>>) => Promise<unknown>][]) {
  test(`${what} that is cancelled at any step harms nothing`, async () => {
    await cancelAtEveryStep(async (victim) => {
      const disk = simDisk({ seed: 2, faults: { shortWrites: 0, slowReads: 1 } })
      const log = await openOn(disk)
      for (let nth = 0; nth < 12; nth += 1) await log.append(Buffer.alloc(700, nth))
      await victim(async () => void (await call(log)))
      // What was begun is over when this is.
      expect(await log.append(Buffer.from('more'))).toBe(13)
      const { firstLsn } = log.stats()
      expect((await contentOf(log)).size).toBe(14 - firstLsn)
      await log.close()
      await using again = await openOn(disk)
      expect(again.findings).toEqual([])
    })
  })
}

describe('a signal', () => {
  both('takes an append out of the queue, which then is not written', async () => {
    const log = await openOn(simDisk({ seed: 3 }))
    const abort = new AbortController()
    const reason = new Error('not any more')
    const first = log.append(Buffer.from('first'))
    const second = log.append(Buffer.from('second'), { signal: abort.signal })
    abort.abort(reason)
    await expect(second).rejects.toBe(reason)
    await first
    expect([...(await contentOf(log)).values()]).toEqual(['first'])
    await log.close()
  })

  test('that is aborted already is thrown untouched', async () => {
    await using log = await openOn(simDisk({ seed: 4 }))
    const reason = { not: 'an error' }
    const signal = AbortSignal.abort(reason)
    for (const call of [
      () => log.append(Buffer.from('x'), { signal }),
      () => log.appendMany([Buffer.from('x')], { signal }),
      () => log.dropBefore(1, { signal }),
      () => log.verify({ signal }),
    ]) {
      await expect(call()).rejects.toBe(reason)
    }
    expect(log.stats().nextLsn).toBe(1)
  })
})

describe('a full queue', () => {
  both('lets appends wait for room, in the order of asking', async () => {
    const log = await openOn(simDisk({ seed: 5, faults: { slowWrites: 1 } }), { maxQueuedBytes: 300 })
    let most = 0
    const done: number[] = []
    await taskGroup(async (group) => {
      for (let nth = 0; nth < 30; nth += 1) {
        group.spawn(async () => {
          await log.append(Buffer.from(`${nth}`.padEnd(50)))
          done.push(nth)
        })
      }
      group.spawn(async () => {
        while (done.length < 30) {
          most = Math.max(most, log.stats().queue.bytes)
          await checkpoint()
        }
      })
    })
    expect(most).toBeLessThanOrEqual(300)
    expect((await contentOf(log)).size).toBe(30)
    expect(log.stats().queue).toEqual({ appends: 0, bytes: 0, waiting: 0 })
    await log.close()
  })

  both('lets a batch pass alone that is larger than it', async () => {
    const log = await openOn(simDisk({ seed: 6 }), { maxQueuedBytes: 100 })
    const batches = [texts(20), texts(1), texts(20, 21)]
    const lsns = await Promise.all(batches.map((batch) => log.appendMany(batch)))
    expect(lsns.map(({ length }) => length)).toEqual([20, 1, 20])
    await log.close()
  })

  both('lets one leave who is cancelled while it waits, and the next one in', async () => {
    const log = await openOn(simDisk({ seed: 7, faults: { slowWrites: 1 } }), { maxQueuedBytes: 100 })
    const abort = new AbortController()
    const one = log.append(Buffer.alloc(80))
    const two = log.append(Buffer.alloc(80), { signal: abort.signal })
    const three = log.append(Buffer.from('x'))
    expect(log.stats().queue.waiting).toBe(2)
    abort.abort(new Error('left'))
    expect(await outcomes([one, two, three])).toEqual(['done', 'Error: left', 'done'])
    expect((await contentOf(log)).size).toBe(2)
    await log.close()
  })
})
