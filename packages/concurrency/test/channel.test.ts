import { channel, checkpoint, ConcurrencyError, taskGroup } from '@ipfs-kit/concurrency'
import { cancelAtEveryStep, forEachBackend, waitAllTasksBlocked } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'

// What every channel has to do is in channel-contract.test.ts; here is what this one does beside it.
const onBoth = forEachBackend(test)

onBoth('ends with the error that a sending end was closed with, after what was sent', async () => {
  const failure = new Error('the disk is gone')
  const [send, receive] = channel<number>(4)
  await send.send(1)
  send.close(failure)
  expect(await receive.receive()).toBe(1)
  await expect(receive.receive()).rejects.toBe(failure)
  expect(() => receive.tryReceive()).toThrow(failure)
  await expect(receive[Symbol.asyncIterator]().next()).rejects.toBe(failure)
})

onBoth(
  'gives that error to those who wait, by call and by iteration, once the last end is closed',
  async () => {
    const failure = new Error('the disk is gone')
    const [send, receive] = channel<number>(0)
    const clone = send.clone()
    await taskGroup(async (group) => {
      const received = group.spawn(async () => await receive.receive().catch((error: unknown) => error))
      const iterated = group.spawn(
        async () =>
          await receive[Symbol.asyncIterator]()
            .next()
            .catch((error: unknown) => error),
      )
      await waitAllTasksBlocked()
      send.close(failure)
      await waitAllTasksBlocked()
      expect(receive.stats()).toMatchObject({ senders: 1, receiving: 2 })
      clone.close(new Error('a later one'))
      expect(await received).toBe(failure)
      expect(await iterated).toBe(failure)
    })
  },
)

onBoth('hands a value over without a buffer when its capacity is 0', async () => {
  const [send, receive] = channel<number>(0)
  const log: string[] = []
  await taskGroup(async (group) => {
    group.spawn(async () => {
      for (let at = 0; at < 3; at++) {
        await send.send(at)
        log.push(`sent ${at}`)
      }
      send.close()
    })
    await waitAllTasksBlocked()
    expect(log).toEqual([])
    expect(send.trySend(9)).toBe(false)
    for await (const value of receive) log.push(`got ${value}`)
  })
  expect(log.toSorted()).toEqual(['got 0', 'got 1', 'got 2', 'sent 0', 'sent 1', 'sent 2'])
})

/** Two senders and two receivers; what is sent but not received must be what a cancelled sender had not sent. */
async function transfers(
  sender: (work: () => Promise<void>) => Promise<unknown>,
  receiver: (work: () => Promise<void>) => Promise<unknown>,
): Promise<void> {
  const [send, receive] = channel<string>(1)
  const sent: string[] = []
  const got: string[] = []
  await taskGroup((group) => {
    const sends = (name: string) => async () => {
      using end = send.clone()
      for (let at = 0; at < 3; at++) {
        await end.send(`${name}${at}`)
        sent.push(`${name}${at}`)
      }
    }
    const receives = async () => {
      using end = receive.clone()
      for await (const value of end) {
        got.push(value)
        await checkpoint()
      }
    }
    group.spawn(async () => await sender(sends('a')))
    group.spawn(sends('b'))
    group.spawn(async () => await receiver(receives))
    group.spawn(receives)
    group.spawn(async () => {
      await waitAllTasksBlocked()
      send.close()
      receive.close()
    })
  })
  expect(send.stats()).toEqual({
    capacity: 1,
    buffered: 0,
    senders: 0,
    receivers: 0,
    sending: 0,
    receiving: 0,
  })
  expect(got.toSorted()).toEqual(sent.toSorted())
  expect(new Set(got).size).toBe(got.length)
}

const whole = async (work: () => Promise<void>) => await work()

test('loses and doubles nothing wherever a sender is cancelled', async () => {
  await cancelAtEveryStep(async (victim) => await transfers(victim, whole), { seeds: 20 })
})

test('loses and doubles nothing wherever a receiver is cancelled', async () => {
  await cancelAtEveryStep(async (victim) => await transfers(whole, victim), { seeds: 20 })
})

onBoth('a send that waits when the last receiver goes fails with the same code as trySend', async () => {
  const [send, receive] = channel<number>(0)
  await taskGroup(async (group) => {
    const waits = group.spawn(async () => await send.send(1).catch((error: unknown) => error))
    await waitAllTasksBlocked()
    receive.close()
    const error = (await waits) as ConcurrencyError
    expect(error).toBeInstanceOf(ConcurrencyError)
    expect(() => send.trySend(1)).toThrow(expect.objectContaining({ code: error.code }))
    await expect(send.send(1)).rejects.toMatchObject({ code: error.code })
  })
})

test('refuses capacities that are none, and unknown options', () => {
  for (const capacity of [-1, 1.5, NaN, Infinity]) expect(() => channel(capacity)).toThrow(RangeError)
  expect(() => channel('1' as never)).toThrow(TypeError)
  expect(() => channel(1, { size: 1 } as never)).toThrow('unknown option "size"')
  expect(Object.isFrozen(channel(1)[0].stats())).toBe(true)
})
