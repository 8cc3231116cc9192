import { cancelAtEveryStep, forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import { openFileBackend } from '@ipfs-kit/storage-file'
import { expect, test } from 'vitest'
import { coded, keysOf, openOnSim, pattern, read, rejection, root } from './ground.ts'

const onBoth = forEachBackend(test, { seeds: 10 })

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 10_000) yield bytes.subarray(at, at + 10_000)
}

onBoth('a full disk leaves the former value, and nothing of the new one', async () => {
  const { backend, disk } = await openOnSim({ seed: 2, faults: { capacityBytes: 400_000 } })
  await backend.put('a', pattern(100_000))
  const { usedBytes } = disk.stats()
  const large = pattern(500_000, 1)
  expect(await rejection(backend.put('a', pieces(large)))).toMatchObject(coded('STORAGE_FULL'))
  expect(await rejection(backend.put('b', large, { size: large.length }))).toMatchObject(
    coded('STORAGE_FULL'),
  )
  expect(disk.stats()).toMatchObject({ usedBytes })
  expect(await read(backend, 'a')).toEqual(pattern(100_000))
  expect(await keysOf(backend)).toEqual(['a'])
})

test('a size that does not fit is refused before its body is read', async () => {
  const { backend } = await openOnSim({ seed: 2, faults: { capacityBytes: 400_000 } })
  const body = { [Symbol.asyncIterator]: () => expect.unreachable('it was read') }
  expect(await rejection(backend.put('b', body, { size: 500_000 }))).toMatchObject(coded('STORAGE_FULL'))
})

onBoth('a put that is cancelled at any step is whole or not there, and leaves no file', async () => {
  const { backend, disk } = await openOnSim({ seed: 1 })
  await backend.put('a', pattern(100, 1))
  for (let turns = 0; turns < 40; turns += 1) {
    const controller = new AbortController()
    const reason = new Error('enough')
    const putting = backend.put('a', pieces(pattern(30_000, turns)), { signal: controller.signal })
    const outcome = putting.then(
      () => undefined,
      (error: unknown) => error,
    )
    for (let turn = 0; turn < turns * 3; turn += 1) await Promise.resolve()
    controller.abort(reason)
    expect([undefined, reason]).toContain(await outcome)
    expect(await disk.list(`${root}/.ipfs-kit/temporary`)).toEqual([])
    const value = await read(backend, 'a')
    const former = [pattern(100, 1), ...Array.from({ length: turns + 1 }, (_, at) => pattern(30_000, at))]
    expect(former.some((one) => value?.equals(one))).toBe(true)
  }
  await backend.close()
  expect(disk.stats()).toMatchObject({ openFiles: 0, locks: 0 })
})

test('a caller that is cancelled at any step leaves a whole value, no open file and no leftovers', async () => {
  const { cancellations } = await cancelAtEveryStep(async (victim) => {
    const disk = simDisk({ seed: 1, faults: { shortWrites: 0, slowWrites: 1, slowReads: 1 } })
    const backend = await openFileBackend({ path: root, disk })
    await backend.put('a', pattern(100, 1))
    await victim(async () => {
      await backend.put('a', pieces(pattern(15_000, 2)))
      await read(backend, 'a')
      await backend.list()
      await backend.delete('a')
    })
    const value = await read(backend, 'a')
    const whole = [pattern(100, 1), pattern(15_000, 2)]
    expect(value === undefined || whole.some((one) => one.equals(value))).toBe(true)
    expect(await disk.list(`${root}/.ipfs-kit/temporary`)).toEqual([])
    await backend.close()
    expect(disk.stats()).toMatchObject({ openFiles: 0, locks: 0 })
  })
  expect(cancellations).toBeGreaterThan(20)
})

onBoth('readers of a key that is replaced all the time see one value whole', async () => {
  const { backend } = await openOnSim({ seed: 4, faults: { latencyMs: 1 } })
  await backend.put('a', pattern(20_000, 0))
  const write = async (): Promise<void> => {
    for (let salt = 1; salt < 20; salt += 1) await backend.put('a', pattern(20_000, salt))
  }
  const look = async (): Promise<void> => {
    for (let times = 0; times < 20; times += 1) {
      const found = (await backend.get('a'))!
      const chunks: Uint8Array[] = []
      for await (const chunk of found.body) chunks.push(chunk)
      const bytes = Buffer.concat(chunks)
      expect(bytes.equals(pattern(20_000, bytes[0]!))).toBe(true)
    }
  }
  await Promise.all([write(), look(), look()])
})

onBoth('an error of the device is told of while a body is read, and by every other call', async () => {
  const { backend, disk } = await openOnSim({ seed: 5 })
  await backend.put('a', pattern(100_000))
  disk.damage(`${root}/a`, 100)
  expect(await rejection(read(backend, 'a'))).toMatchObject(coded('STORAGE_FAILED'))
  expect(backend.stats().readers).toBe(0)
  for (const call of [() => backend.stat('a'), () => backend.list(), () => backend.delete('a')]) {
    disk.failAt('any', 1)
    expect(await rejection(call())).toMatchObject(coded('STORAGE_FAILED'))
  }
  disk.failAt('stat', 1, 'EACCES')
  expect(await rejection(backend.get('a'))).toMatchObject(coded('STORAGE_DENIED'))
})
