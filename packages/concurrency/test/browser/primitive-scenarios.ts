/** Channels, primitives, and many at once. */
import {
  AbortError,
  ConcurrencyError,
  channel,
  checkpoint,
  createCapacityLimiter,
  createCondition,
  createEvent,
  createLock,
  createSemaphore,
  fromReadable,
  map,
  moveOnAfter,
  race,
  sleep,
  taskGroup,
  toReadable,
} from '@ipfs-kit/concurrency'
import { check, equal, failureOf, forever, type Scenarios } from './checks.ts'

export const primitiveScenarios: Scenarios = {
  'a channel keeps the order, waits for room and ends when the last sender has closed': async () => {
    const got: number[] = []
    await taskGroup((group) => {
      const [send, receive] = channel<number>(2)
      const other = send.clone()
      group.spawn(async (task) => {
        for (let value = 0; value < 100; value++) await send.send(value, { scope: task })
        send.close()
        other.close()
      })
      group.spawn(async (task) => {
        for (let at = 0; at < 100; at++) got.push(await receive.receive({ scope: task }))
        const error = await failureOf(receive.receive({ scope: task }))
        check(error instanceof ConcurrencyError && error.code === 'CONCURRENCY_CHANNEL_ENDED', 'the end')
      })
    })
    equal(
      got,
      Array.from({ length: 100 }, (_, at) => at),
      'what came',
    )
  },

  'iterating a channel ends with it': async () => {
    const [send, receive] = channel<string>(3)
    for (const value of ['a', 'b', 'c']) send.trySend(value)
    send.close()
    const got: string[] = []
    for await (const value of receive) got.push(value)
    equal(got, ['a', 'b', 'c'], 'what came')
  },

  'a cancelled waiter takes no permit': async () => {
    const semaphore = createSemaphore(1)
    const first = await semaphore.acquire()
    await moveOnAfter(1, (scope) => semaphore.acquire({ scope }))
    equal(semaphore.stats().waiting, 0, 'waiting')
    first.release()
    using _second = await semaphore.acquire()
    equal(semaphore.available, 0, 'available')
  },

  'the other primitives wait in passed scopes': async () => {
    const lock = createLock()
    const condition = createCondition(lock)
    const limiter = createCapacityLimiter(1)
    const happened = createEvent()
    const seen: string[] = []
    await taskGroup(async (group) => {
      group.spawn(async (task) => {
        using _held = await lock.acquire({ scope: task })
        await condition.waitFor(() => seen.includes('event'), { scope: task })
        seen.push('condition')
      })
      group.spawn(async (task) => {
        await happened.wait({ scope: task })
        using _held = await lock.acquire({ scope: task })
        seen.push('event')
        condition.notify(1, { scope: task })
      })
      group.spawn(async (task) => {
        using _token = await limiter.acquire({ scope: task })
        await checkpoint({ scope: task })
        happened.set()
      })
      const cut = await moveOnAfter(1, (limit) => limiter.acquire({ borrower: 'late', scope: limit }), {
        scope: group,
      })
      check(cut === undefined || limiter.stats().borrowed === 1, 'a limiter')
      cut?.release()
    })
    equal(seen, ['event', 'condition'], 'order')
  },

  'many at once, races and streams wait in passed scopes': async () => {
    const squares = await map(
      [3, 1, 2],
      async (value, _, task) => {
        await sleep(value, { scope: task })
        return value * value
      },
      { concurrency: 2 },
    )
    equal(squares, [9, 1, 4], 'map')
    let loser: unknown
    const winner = await race([
      async (task) => {
        await checkpoint({ scope: task })
        return 'near'
      },
      async (task) => {
        loser = await failureOf(forever(task))
        throw loser
      },
    ])
    check(winner === 'near' && loser instanceof AbortError, 'race')
    const [send, receive] = channel<string>(1)
    const heard = await taskGroup(async (group) => {
      group.spawn(async (task) => {
        for (const word of ['one', 'two']) await send.send(word, { scope: task })
        send.close()
      })
      const got: string[] = []
      const stream = toReadable(receive, { scope: group })
      for await (const word of fromReadable(stream)) got.push(word)
      return got
    })
    equal(heard, ['one', 'two'], 'streams')
  },
}
