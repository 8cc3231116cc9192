import {
  cancelScope,
  checkpoint,
  createOwner,
  currentScope,
  failAfter,
  moveOnAfter,
  shield,
  sleep,
  taskGroup,
} from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'

const onBoth = forEachBackend(test)

async function* async() {
  yield 1
}
function* sync() {
  yield 1
}

onBoth(
  'a generator function is no body of a scope, whose yields it would be open across',
  async () => {
    const message = 'a generator function cannot run in a scope: the scope would be open across its yields'
    for (const body of [async, sync] as (() => unknown)[]) {
      for (const open of [
        () => cancelScope(body),
        () => moveOnAfter(1, body),
        () => failAfter(1, body),
        () => shield(body),
        () => taskGroup(body),
      ]) {
        await expect(open()).rejects.toThrow(new TypeError(message))
      }
      await taskGroup((group) => {
        expect(() => group.spawn(body)).toThrow(new TypeError(message))
        expect(() => group.start(body)).toThrow(new TypeError(message))
      })
      await using owner = createOwner()
      expect(() => owner.spawn(body)).toThrow(new TypeError(message))
    }
  },
  { seeds: 5 },
)

onBoth('an async generator may open scopes between its yields', async () => {
  async function* numbers() {
    for (let at = 0; at < 3; at++) {
      yield await cancelScope(async () => (await checkpoint(), at))
      yield await taskGroup((group) => group.spawn(() => sleep(1).then(() => at + 10)))
    }
  }
  const seen: unknown[] = []
  for await (const number of numbers()) seen.push(number)
  expect(seen).toEqual([0, 10, 1, 11, 2, 12])
})

onBoth('a generator waits in the scope of whoever asks for its next value', async () => {
  async function* endless() {
    for (let at = 0; ; at++) {
      await sleep(1)
      yield at
    }
  }
  const seen: number[] = []
  const numbers = endless()
  await moveOnAfter(2.5, async (scope) => {
    for await (const number of numbers) {
      expect(currentScope()).toBe(scope)
      seen.push(number)
    }
  })
  expect(seen.length).toBeLessThan(3)
  expect(currentScope().cancelled).toBe(false)
})

onBoth('a scope that a generator leaves open across a yield is told of', async () => {
  let left: Promise<unknown> | undefined
  async function* leaky() {
    left = cancelScope(() => sleep(Infinity), { name: 'leaked' })
    yield 1
    await left
  }
  const consumer = cancelScope(
    async () => {
      for await (const _ of leaky()) break
    },
    { name: 'consumer' },
  )
  await expect(consumer).rejects.toMatchObject({
    code: 'CONCURRENCY_SCOPE_ORDER',
    message: 'scope "consumer" ended while scope "leaked" inside it was open',
  })
  await left
})
