import { channel, checkpoint, ConcurrencyError, type ReceiveEnd, type SendEnd } from '@ipfs-kit/concurrency'
import { channelContract, forEachBackend, simulate } from '@ipfs-kit/concurrency/testing'
import { describe, expect, test } from 'vitest'

const onBoth = forEachBackend(test)

describe('the channel of this package', () => {
  for (const { name, run } of channelContract(channel)) onBoth(name, run)
})

describe('the contract finds a channel that', () => {
  async function brokenCases(
    change: <T>(ends: [SendEnd<T>, ReceiveEnd<T>]) => [SendEnd<T>, ReceiveEnd<T>],
  ): Promise<string[]> {
    const broken: string[] = []
    for (const { name, run } of channelContract((capacity) => change(channel(capacity)))) {
      const { failed } = await simulate(run, { seeds: 20, maxFailures: 1 })
      if (failed.length > 0) broken.push(name)
    }
    return broken
  }

  test('has more room than it should', async () => {
    const broken: string[] = []
    for (const { name, run } of channelContract((capacity) => channel(capacity + 1))) {
      const { failed } = await simulate(run, { seeds: 5, maxFailures: 1 })
      if (failed.length > 0) broken.push(name)
    }
    expect(broken).toContain('takes as many values as it has room for, and lets the next sender wait')
  })

  test('sends although the wait was cancelled', async () => {
    const broken = await brokenCases(([send, receive]) => [
      wrap(send, {
        send: async (value, options) => await send.send(value, options).catch(() => void send.trySend(value)),
      }),
      receive,
    ])
    expect(broken).toContain(
      'refuses to wait in a cancelled scope, with its reason, also where it would not have to',
    )
  })

  test('ends with its first sender', async () => {
    const broken = await brokenCases(([send, receive]) => [wrap(send, { clone: () => send }), receive])
    expect(broken).toContain('ends when the last sending end is closed, not before')
  })

  test('takes a value and loses it when the receiver is cancelled', async () => {
    const broken = await brokenCases(([send, receive]) => [
      send,
      wrap(receive, {
        receive: async (options) => {
          const value = await receive.receive(options)
          await checkpoint()
          return value
        },
      }),
    ])
    expect(broken).toContain('what was sent is received once, whoever is cancelled meanwhile')
  })

  test('throws errors without a code', async () => {
    const broken = await brokenCases(([send, receive]) => [
      wrap(send, {
        send: async (value, options) =>
          await send.send(value, options).catch((error: unknown) => {
            throw error instanceof ConcurrencyError ? new Error(error.message) : error
          }),
      }),
      receive,
    ])
    expect(broken).toContain('refuses the use of a closed end, while its clones work')
  })
})

/** An end that is another in some methods. */
function wrap<E extends object>(end: E, changed: Partial<E>): E {
  return new Proxy(end, {
    get(target, key) {
      const own = Reflect.get(changed, key) as unknown
      if (own !== undefined) return own
      const value = Reflect.get(target, key) as unknown
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
