import { createEvent, sleep, taskGroup } from '@ipfs-kit/concurrency'
import { cancelAtEveryStep, forEachBackend } from '@ipfs-kit/concurrency/testing'
import { createMemoryBackend, StorageError, type StorageBackend } from '@ipfs-kit/storage'
import { delegate, limited } from '@ipfs-kit/storage/testing'
import { backendEnd, copy, move, TransferError, type CopyOptions, type ItemOutcome } from '@ipfs-kit/transfer'
import { expect, test } from 'vitest'
import { bytesOf, collect, contents, digests, fill, memory, rejection, telling, told } from './ground.ts'

const onBoth = forEachBackend(test, { seeds: 20 })
const [former, bytes, others] = [bytesOf(1, 300), bytesOf(2, 150_000), bytesOf(3, 150_000)]

/** Copies all of one backend to another one; the outcomes as texts. */
async function copied(
  from: StorageBackend,
  to: StorageBackend,
  options: CopyOptions = {},
): Promise<string[]> {
  const outcomes: ItemOutcome[] = []
  await copy(backendEnd(from, ''), backendEnd(to, ''), { ...options, onItem: (one) => outcomes.push(one) })
  return told(outcomes)
}

/** The same bytes in pieces, with something done after the first one. */
async function* pieces(all: Uint8Array, after: () => Promise<unknown>): AsyncGenerator<Uint8Array> {
  yield all.slice(0, 1000)
  await after()
  yield all.slice(1000)
}

onBoth(
  'an object that is replaced or deleted while it is read fails, and what the target has stays',
  async () => {
    for (const change of ['replace', 'delete'] as const) {
      const [from, to] = [memory('from'), memory('to')]
      await fill(from, { x: bytes, y: former })
      await fill(to, { x: former })
      const changing = delegate(from, {
        async get(key, options) {
          const object = (await from.get(key, options))!
          if (key !== 'x') return object
          const after = () => (change === 'delete' ? from.delete('x') : from.put('x', others))
          return { ...object, body: pieces(await collect(object.body), after) }
        },
      })
      expect(await copied(changing, to, { compare: 'size' })).toEqual([
        'x failed TRANSFER_SOURCE_CHANGED',
        'y sent',
      ])
      expect(await contents(to)).toEqual(digests({ x: former, y: former }))
    }
  },
)

onBoth('a source that gives other bytes than its digest says is not believed', async () => {
  const [from, to] = [telling(memory('from')), memory('to')]
  await fill(from, { x: bytes, y: former })
  const lying = delegate(from, {
    async get(key, options) {
      const object = (await from.get(key, options))!
      return key === 'x' ? { ...object, body: pieces(others, async () => {}) } : object
    },
  })
  expect(await copied(lying, to)).toEqual(['x failed TRANSFER_SOURCE_CORRUPT', 'y sent'])
  expect(Object.keys(await contents(to))).toEqual(['y'])
})

onBoth('one bad object fails itself and not the rest, and its failure has its cause', async () => {
  const [from, to] = [memory('from'), memory('to')]
  await fill(from, { a: bytes, b: bytes, c: bytes })
  const bad = delegate(from, {
    async get(key, options) {
      const object = (await from.get(key, options))!
      const fail = async () => {
        throw new StorageError('STORAGE_UNAVAILABLE', 'connection reset')
      }
      return key === 'b' ? { ...object, body: pieces(bytes, fail) } : object
    },
  })
  const outcomes: ItemOutcome[] = []
  const report = await copy(backendEnd(bad, ''), backendEnd(to, ''), { onItem: (one) => outcomes.push(one) })
  expect(report).toMatchObject({ items: 3, sent: 2, failed: 1 })
  const { failure } = outcomes.find(({ path }) => path === 'b')!
  expect(failure).toMatchObject({ code: 'TRANSFER_SOURCE_FAILED', kind: 'temporary', retryable: true })
  expect(failure!.cause).toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
  expect(failure!.message).toContain('connection reset')
  expect(Object.keys(await contents(to))).toEqual(['a', 'c'])
})

onBoth('a target that is full fails what does not fit, and has nothing half-written', async () => {
  const [from, to] = [memory('from'), createMemoryBackend({ maxBytes: 1000 })]
  await fill(from, { a: bytes, b: former })
  expect(await copied(from, to)).toEqual(['a failed TRANSFER_TARGET_FULL', 'b sent'])
  expect(Object.keys(await contents(to))).toEqual(['b'])
})

onBoth(
  'a target that tells other bytes, or has other bytes, is found out, and the object is taken away',
  async () => {
    for (const verify of ['written', 'read'] as const) {
      const [from, good] = [memory('from'), memory('to')]
      await fill(from, { x: bytes })
      const target = verify === 'written' ? telling(good) : good
      const changing = delegate(target, {
        async put(key, body, options) {
          if (!(body instanceof Uint8Array)) await collect(body)
          return await target.put(key, others, options)
        },
      })
      expect(await copied(from, changing, { verify })).toEqual(['x failed TRANSFER_NOT_EQUAL'])
      expect(await contents(good)).toEqual({})
    }
  },
)

onBoth('a target that does not take all of an object has not got it, whatever it says', async () => {
  for (const verify of ['written', 'read'] as const) {
    const [from, to, other] = [memory('from'), memory('to'), memory('other')]
    await fill(from, { x: bytes })
    const hasty = delegate(to, { put: (key) => to.put(key, bytes) })
    expect(await copied(from, hasty, { verify })).toEqual(['x failed TRANSFER_NOT_EQUAL'])
    expect(await contents(to)).toEqual({})
    const lying = delegate(to, { put: (key) => other.put(key, bytes) })
    expect(await copied(from, lying, { verify })).toEqual(['x failed TRANSFER_NOT_EQUAL'])
  }
})

onBoth('a second writer is not overwritten, whether the target keeps conditions or not', async () => {
  for (const isStrict of [true, false]) {
    const [from, to] = [createMemoryBackend({ maxBytes: 1_000_000 }), memory('to')]
    await fill(from, { new: bytes, other: bytes })
    await fill(to, { other: former })
    const target = isStrict ? to : limited(to, { conditionalPut: false, conditionalReplace: false })
    // They come after the listing, and before the bytes of the object.
    const late = delegate(from, {
      async get(key, options) {
        await to.put(key, others)
        return from.get(key, options)
      },
    })
    expect(await copied(late, target)).toEqual([
      'new failed TRANSFER_TARGET_CHANGED',
      'other failed TRANSFER_TARGET_CHANGED',
    ])
    expect(await contents(to)).toEqual(digests({ new: others, other: others }))
    // What was opened and not taken is given up.
    expect(from.stats().readers).toBe(0)
  }
})

onBoth('a move deletes no object that has changed since it was read', async () => {
  const [from, to] = [memory('from'), memory('to')]
  await fill(from, { sent: bytes, same: bytes })
  await fill(to, { same: bytes })
  const changing = delegate(from, {
    async stat(key, options) {
      // The look that comes before the deletion, when the target has the object.
      if ((await to.stat(key)) !== undefined) await from.put(key, others)
      return await from.stat(key, options)
    },
  })
  const outcomes: ItemOutcome[] = []
  await move(backendEnd(changing, ''), backendEnd(to, ''), { onItem: (one) => outcomes.push(one) })
  expect(told(outcomes)).toEqual([
    'same failed TRANSFER_SOURCE_CHANGED',
    'sent failed TRANSFER_SOURCE_CHANGED',
  ])
  expect(await contents(from)).toEqual(digests({ sent: others, same: others }))
  expect(await contents(to)).toEqual(digests({ sent: bytes, same: bytes }))
})

onBoth('a target that is closed ends it, and so do more failures than there may be', async () => {
  const [from, to] = [memory('from'), memory('to')]
  await fill(from, Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`k${10 + at}`, bytes])))
  const closing = delegate(to, {
    put: async (key, body, options) => {
      if (key === 'k12') await to.close()
      return to.put(key, body, options)
    },
  })
  expect(await rejection(copied(from, closing, { concurrency: 1 }))).toMatchObject({
    code: 'TRANSFER_TARGET_FAILED',
    cause: { code: 'STORAGE_CLOSED' },
  })
  const full = createMemoryBackend({ maxBytes: 10 })
  let failed = 0
  const many = copy(backendEnd(from, ''), backendEnd(full, ''), {
    concurrency: 1,
    maxFailures: 3,
    onItem: () => (failed += 1),
  })
  expect(await rejection(many)).toMatchObject({ code: 'TRANSFER_TOO_MANY_FAILURES' })
  expect(failed).toBe(4)
})

onBoth('a listing out of order is refused before anything is sent', async () => {
  const [from, to] = [memory('from'), memory('to')]
  await fill(from, { a: former, b: former })
  const wrong = delegate(from, {
    list: async (options) => ({ entries: [...(await from.list(options)).entries].reverse() }),
  })
  const error = await rejection(copied(wrong, to))
  expect(error).toBeInstanceOf(TransferError)
  expect((error as Error).message).toContain('not in order')
  expect(await contents(to)).toEqual({})
})

onBoth('a source object that is not there is said at once', async () => {
  const error = await rejection(copy(backendEnd(memory(), 'x'), backendEnd(memory('to'), 'y')))
  expect(error).toMatchObject({ code: 'TRANSFER_SOURCE_MISSING', kind: 'not-found', retryable: false })
})

onBoth(
  'a signal ends it with its reason while a body stalls, and nothing half-written is there',
  async () => {
    const [from, to] = [memory('from'), memory('to')]
    await fill(from, { x: bytes })
    const begun = createEvent()
    const stalled = delegate(from, {
      async get(key, options) {
        const object = (await from.get(key, options))!
        const stall = async () => {
          begun.set()
          await sleep(Infinity)
        }
        return { ...object, body: pieces(bytes, stall) }
      },
    })
    const control = new AbortController()
    const reason = new Error('enough')
    await taskGroup(async (group) => {
      const copying = group.spawn(
        async () => await rejection(copied(stalled, to, { signal: control.signal })),
      )
      await begun.wait()
      control.abort(reason)
      expect(await copying).toBe(reason)
    })
    expect(await contents(to)).toEqual({})
    expect(await rejection(copied(from, to, { signal: AbortSignal.abort(reason) }))).toBe(reason)
  },
)

test('a move that is cancelled at any step has each object at the source or whole at the target', async () => {
  const objects = { a: bytesOf(4, 3000), b: bytesOf(5, 3000) }
  const report = await cancelAtEveryStep(async (victim) => {
    const [from, to] = [memory('from'), memory('to')]
    await fill(from, objects)
    await victim(async () => void (await move(backendEnd(from, ''), backendEnd(to, ''))))
    const [left, arrived] = [await contents(from), await contents(to)]
    expect({ ...left, ...arrived }).toEqual(digests(objects))
    await move(backendEnd(from, ''), backendEnd(to, ''))
    expect(await contents(from)).toEqual({})
    expect(await contents(to)).toEqual(digests(objects))
  })
  expect(report.cancellations).toBeGreaterThan(20)
})
