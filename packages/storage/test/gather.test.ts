import { sleep } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { gather } from '@ipfs-kit/storage'
import { expect, test } from 'vitest'

const onBoth = forEachBackend(test, { seeds: 10 })
const { signal } = new AbortController()
const unbounded = (): void => {}

async function* inPieces(...pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) {
    await sleep(1)
    yield piece
  }
}

onBoth('gathers the pieces of a body in their order', async () => {
  const body = inPieces(Uint8Array.of(1, 2), Uint8Array.of(), Uint8Array.of(3))
  expect(await gather(body, { signal, onBytes: unbounded })).toEqual(Uint8Array.of(1, 2, 3))
  expect(await gather(inPieces(), { signal, size: 0, onBytes: unbounded })).toEqual(Uint8Array.of())
})

onBoth('gives bytes that are no others: whoever made them may use theirs again', async () => {
  const buffer = Buffer.from([1, 2])
  const once = await gather(buffer, { signal, onBytes: unbounded })
  const again = async function* (): AsyncGenerator<Uint8Array> {
    yield buffer
    buffer.fill(9)
    yield buffer
  }
  expect(await gather(again(), { signal, onBytes: unbounded })).toEqual(Uint8Array.of(1, 2, 9, 9))
  expect(once).toEqual(Uint8Array.of(1, 2))
})

onBoth('tells how many bytes there will be: those declared first, then with each piece', async () => {
  const totals: number[] = []
  const onBytes = (total: number): void => void totals.push(total)
  await gather(inPieces(Uint8Array.of(1), Uint8Array.of(2)), { signal, size: 2, onBytes })
  await gather(Uint8Array.of(1), { signal, onBytes })
  expect(totals).toEqual([2, 1, 2, 1])
})

onBoth(
  'stops a body when there are too many bytes of it, and asks for none if too many are declared',
  async () => {
    const asked: number[] = []
    let isStopped = false
    const endless = async function* (): AsyncGenerator<Uint8Array> {
      try {
        for (let piece = 1; ; piece += 1) {
          asked.push(piece)
          yield new Uint8Array(10)
        }
      } finally {
        isStopped = true
      }
    }
    const onBytes = (total: number): void => {
      if (total > 25) throw new Error(`${total} are too many`)
    }
    await expect(gather(endless(), { signal, onBytes })).rejects.toThrow('30 are too many')
    expect({ asked, isStopped }).toEqual({ asked: [1, 2, 3], isStopped: true })
    await expect(gather(endless(), { signal, size: 26, onBytes })).rejects.toThrow('26 are too many')
    expect(asked).toHaveLength(3)
  },
)

onBoth('refuses a body of another size than declared', async () => {
  const refusal = { code: 'STORAGE_SIZE_MISMATCH' }
  for (const size of [0, 2, 4]) {
    const body = inPieces(Uint8Array.of(1, 2), Uint8Array.of(3))
    await expect(gather(body, { signal, size, onBytes: unbounded })).rejects.toMatchObject(refusal)
  }
})

onBoth('ends with the reason of the signal, also when the body never answers', async () => {
  const controller = new AbortController()
  const reason = new Error('enough')
  const stuck = async function* (): AsyncGenerator<Uint8Array> {
    yield Uint8Array.of(1)
    controller.abort(reason)
    await sleep(Number.POSITIVE_INFINITY)
  }
  await expect(gather(stuck(), { signal: controller.signal, onBytes: unbounded })).rejects.toBe(reason)
})
