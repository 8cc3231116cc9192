import { now } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { backendEnd, copy, type TransferProgress } from '@ipfs-kit/transfer'
import { expect, test } from 'vitest'
import { bytesOf, fill, memory, rejection, telling } from './ground.ts'

const onBoth = forEachBackend(test, { seeds: 20 })
const isFull = ({ bytes, totalBytes, items, totalItems }: TransferProgress) =>
  bytes === totalBytes && items === totalItems

onBoth('100 % is told at the end, once, and not before all is proven and finished', async () => {
  for (const verify of ['written', 'read'] as const) {
    const [from, to] = [memory('from'), memory('to')]
    await fill(from, { a: bytesOf(1, 100_000), b: bytesOf(2, 100_000), same: bytesOf(3, 50_000) })
    await fill(to, { same: bytesOf(3, 50_000) })
    const told: TransferProgress[] = []
    const end = backendEnd(to, '')
    let atFinish: TransferProgress | undefined
    const finish: typeof end.finish = async (call) => {
      atFinish = told.at(-1)
      return await end.finish(call)
    }
    await copy(backendEnd(from, ''), { ...end, finish }, { verify, onProgress: (one) => told.push(one) })
    expect([...new Set(told.map(({ stage }) => stage))].sort()).toEqual([
      'commit',
      'hash',
      'list',
      'send',
      'verify',
    ])
    expect(told[0]).toMatchObject({ stage: 'list', bytes: 0 })
    const begun = told.slice(told.findIndex(({ stage }) => stage !== 'list'))
    expect(begun.filter(isFull)).toEqual([told.at(-1)])
    expect(atFinish).toMatchObject({ stage: 'commit' })
    expect(isFull(atFinish!)).toBe(false)
    // Two objects are sent and read back; that which was there is compared, and not sent.
    expect(told.at(-1)).toMatchObject({
      bytes: 400_000,
      totalBytes: 400_000,
      items: 3,
      totalItems: 3,
      etaMs: 0,
    })
    for (const [at, one] of begun.entries()) {
      // By one it may go down: the last byte is held back, whichever that is.
      if (at > 0) expect(one.bytes).toBeGreaterThanOrEqual(begun[at - 1]!.bytes - 1)
      expect(one.bytes).toBeLessThanOrEqual(one.totalBytes)
    }
  }
})

onBoth(
  'a limit of bytes in a second holds for all objects together',
  async () => {
    const [from, to] = [telling(memory('from')), telling(memory('to'))]
    await fill(from, { a: bytesOf(1, 400_000), b: bytesOf(2, 400_000), c: bytesOf(3, 200_000) })
    let last: TransferProgress | undefined
    const begun = now()
    await copy(backendEnd(from, ''), backendEnd(to, ''), {
      bytesPerSecond: 100_000,
      onProgress: (one) => (last = one),
    })
    const seconds = (now() - begun) / 1000
    // 1,000,000 bytes; what passes at once is the piece that nobody waits behind, of 64 KiB at most, and 100 ms.
    expect(seconds).toBeGreaterThan((1_000_000 - 65_536) / 100_000 - 0.2)
    expect(seconds).toBeLessThan(10.1)
    expect(last!.bytesPerSecond).toBeGreaterThan(95_000)
    expect(last!.bytesPerSecond).toBeLessThan(115_000)
  },
  { only: 'sim' },
)

onBoth('what has failed does not count as done', async () => {
  const [from, to] = [memory('from'), memory('to', 1000)]
  await fill(from, { a: bytesOf(1, 100_000), b: bytesOf(2, 10) })
  let last: TransferProgress | undefined
  expect(
    await copy(backendEnd(from, ''), backendEnd(to, ''), { onProgress: (one) => (last = one) }),
  ).toMatchObject({ failed: 1, sent: 1 })
  expect(last).toMatchObject({ bytes: 20, totalBytes: 20, items: 2, totalItems: 2 })
  expect(await rejection(copy(backendEnd(from, 'none'), backendEnd(to, 'x')))).toMatchObject({
    code: 'TRANSFER_SOURCE_MISSING',
  })
})
