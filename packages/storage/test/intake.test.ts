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
