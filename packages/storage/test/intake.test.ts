import { takeIn } from '@ipfs-kit/storage'
import { createEvent } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'

const onBoth = forEachBackend(test, { seeds: 10 })
const { signal } = new AbortController()

onBoth('asks a body for its next chunk when the one before has been taken', async () => {
  const order: string[] = []
  const body = async function* (): AsyncGenerator<Uint8Array> {
    for (const number of [1, 2]) {
      order.push(`made ${number}`)
      yield Uint8Array.of(number)
    }
  }
  const opened = createEvent()
  const taking = takeIn(body(), signal, async ([number]) => {
    order.push(`begun ${number}`)
    if (number === 1) await opened.wait()
    order.push(`taken ${number}`)
  })
  order.push('open')
  opened.set()
  await taking
  expect(order.filter((one) => one !== 'open')).toEqual([
    'made 1',
    'begun 1',
    'taken 1',
    'made 2',
    'begun 2',
    'taken 2',
  ])
})

onBoth('a chunk that cannot be taken, now or later, tells the body to stop', async () => {
  for (const take of [
    () => {
      throw new Error('no room')
    },
    async () => {
      throw new Error('no room')
    },
  ]) {
    let stopped = false
    const body = async function* (): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield Uint8Array.of(1)
      } finally {
        stopped = true
      }
    }
    await expect(takeIn(body(), signal, take)).rejects.toThrow('no room')
    expect(stopped).toBe(true)
    await expect(takeIn(Uint8Array.of(1), signal, take)).rejects.toThrow('no room')
  }
})

onBoth('a body of another size than declared is refused, and too much of it is not taken', async () => {
  const pieces = async function* (): AsyncGenerator<Uint8Array> {
    yield Uint8Array.of(1, 2)
    yield Uint8Array.of(3, 4)
  }
  const taken: number[] = []
  const take = (chunk: Uint8Array): void => void taken.push(...chunk)
  const refusal = { code: 'STORAGE_SIZE_MISMATCH' }
  await expect(takeIn(pieces(), signal, take, 3)).rejects.toMatchObject(refusal)
  expect(taken).toEqual([1, 2])
  await expect(takeIn(pieces(), signal, take, 5)).rejects.toMatchObject(refusal)
  await expect(takeIn(Uint8Array.of(1), signal, take, 0)).rejects.toMatchObject(refusal)
  await expect(takeIn(Uint8Array.of(1), signal, take, 2)).rejects.toMatchObject(refusal)
  await takeIn(pieces(), signal, take, 4)
  await takeIn(Uint8Array.of(), signal, take, 0)
})

onBoth('rejects with the reason when the last chunk was taken under a signal that is aborted', async () => {
  const controller = new AbortController()
  const reason = new Error('enough')
  const take = (): void => controller.abort(reason)
  await expect(takeIn(Uint8Array.of(1), controller.signal, take, 2)).rejects.toBe(reason)
})
