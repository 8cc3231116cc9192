import {
  cancelScope,
  channel,
  checkpoint,
  fromReadable,
  moveOnAfter,
  run,
  shield,
  taskGroup,
  toReadable,
  toWritable,
} from '@ipfs-kit/concurrency'
import { cancelAtEveryStep, forEachBackend, waitAllTasksBlocked } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'

const onBoth = forEachBackend(test)
const thrown = (error: unknown) => error

/** A stream of numbers that says what was asked of it. */
function numbers(length: number) {
  const seen = { pulled: 0, cancelled: undefined as unknown }
  const readable = new ReadableStream<number>(
    {
      pull(controller) {
        if (seen.pulled === length) controller.close()
        else controller.enqueue(seen.pulled++)
      },
      cancel(reason) {
        seen.cancelled = reason ?? 'cancelled'
      },
    },
    { highWaterMark: 0 },
  )
  return { seen, readable }
}

onBoth('a readable takes a value when it is asked for one, and ends with the channel', async () => {
  const [send, receive] = channel<number>(5)
  const reader = toReadable(receive).getReader()
  for (let at = 0; at < 3; at++) await send.send(at)
  await waitAllTasksBlocked()
  expect(receive.stats().buffered).toBe(3)
  expect(await reader.read()).toEqual({ done: false, value: 0 })
  await waitAllTasksBlocked()
  expect(receive.stats().buffered).toBe(2)
  send.close()
  await reader.read()
  await reader.read()
  expect(await reader.read()).toEqual({ done: true, value: undefined })
  expect(receive.stats().receivers).toBe(0)
})

onBoth('a readable that is cancelled closes the end, also while it waits', async () => {
  const [send, receive] = channel<number>(0)
  const reader = toReadable(receive).getReader()
  const reading = reader.read()
  await waitAllTasksBlocked()
  await reader.cancel('enough')
  expect(await reading).toEqual({ done: true, value: undefined })
  await expect(send.send(1)).rejects.toMatchObject({ code: 'CONCURRENCY_CHANNEL_BROKEN' })
})

onBoth('a readable fails with what the channel fails with', async () => {
  const failure = new Error('the disk is gone')
  const [send, receive] = channel<number>(1)
  const reader = toReadable(receive).getReader()
  await send.send(1)
  send.close(failure)
  expect(await reader.read()).toEqual({ done: false, value: 1 })
  expect(await reader.read().catch(thrown)).toBe(failure)
})

onBoth('a readable fails with the reason when the scope that it was made in is cancelled', async () => {
  const [send, receive] = channel<number>(0)
  let reading: Promise<unknown> | undefined
  let reason: unknown
  await cancelScope(async (scope) => {
    const reader = toReadable(receive).getReader()
    reading = reader.read().catch(thrown)
    await waitAllTasksBlocked()
    scope.cancel()
    reason = scope.reason
  })
  expect(await reading).toBe(reason)
  expect(send.stats().receivers).toBe(0)
})

onBoth('a writable holds the writer back while the channel is full, and closes the end', async () => {
  const [send, receive] = channel<number>(1)
  const writer = toWritable(send).getWriter()
  const log: string[] = []
  await taskGroup(async (group) => {
    group.spawn(async () => {
      for (let at = 0; at < 4; at++) {
        await run(writer.write(at))
        log.push(`written ${at}`)
      }
      await run(writer.close())
    })
    await waitAllTasksBlocked()
    expect(log).toEqual(['written 0'])
    const got: number[] = []
    for await (const value of receive) got.push(value)
    expect(got).toEqual([0, 1, 2, 3])
  })
  expect(send.stats()).toMatchObject({ senders: 0, sending: 0 })
})

onBoth(
  'a writable that is aborted interrupts its write, and receivers get the reason and no end',
  async () => {
    const [send, receive] = channel<number>(1)
    const writer = toWritable(send).getWriter()
    writer.closed.catch(thrown)
    await writer.write(1)
    const waits = writer.write(2).catch(thrown)
    await waitAllTasksBlocked()
    const reason = new Error('the source failed')
    await writer.abort(reason)
    expect(await waits).toBe(reason)
    expect(await receive.receive()).toBe(1)
    expect(await receive.receive().catch(thrown)).toBe(reason)
  },
)

onBoth('a writable that is aborted without a reason, or with null, is no complete one either', async () => {
  for (const reason of [undefined, null]) {
    const [send, receive] = channel<number>(1)
    const writer = toWritable(send).getWriter()
    writer.closed.catch(thrown)
    await writer.abort(reason)
    await expect(receive.receive()).rejects.toMatchObject({ name: 'AbortError' })
  }
})

onBoth('a writable fails when nobody receives any more, and when its scope is cancelled', async () => {
  const [send, receive] = channel<number>(0)
  const writer = toWritable(send).getWriter()
  writer.closed.catch(thrown)
  receive.close()
  await expect(writer.write(1)).rejects.toMatchObject({ code: 'CONCURRENCY_CHANNEL_BROKEN' })

  const [send2, receive2] = channel<number>(0)
  let writing: Promise<unknown> | undefined
  let reason: unknown
  await cancelScope(async (scope) => {
    const inside = toWritable(send2).getWriter()
    inside.closed.catch(thrown)
    writing = inside.write(1).catch(thrown)
    await waitAllTasksBlocked()
    scope.cancel()
    reason = scope.reason
  })
  expect(await writing).toBe(reason)
  expect(await receive2.receive().catch(thrown)).toBe(reason)
})

onBoth('receives from a readable, one read ahead of nobody', async () => {
  const { seen, readable } = numbers(3)
  using end = fromReadable(readable)
  expect(end.tryReceive()).toBeUndefined()
  await waitAllTasksBlocked()
  expect(seen.pulled).toBe(1)
  expect(end.stats()).toEqual({
    capacity: 0,
    buffered: 1,
    senders: 1,
    receivers: 1,
    sending: 0,
    receiving: 0,
  })
  expect(end.tryReceive()).toEqual({ value: 0 })
  expect(await end.receive()).toBe(1)
  await waitAllTasksBlocked()
  expect(seen.pulled).toBe(2)
  const rest: number[] = []
  for await (const value of end) rest.push(value)
  expect(rest).toEqual([2])
  await expect(end.receive()).rejects.toMatchObject({ code: 'CONCURRENCY_CHANNEL_ENDED' })
  expect(() => end.tryReceive()).toThrow(expect.objectContaining({ code: 'CONCURRENCY_CHANNEL_ENDED' }))
})

onBoth('keeps what a cancelled receive had asked for', async () => {
  let give: ((value: string) => void) | undefined
  const end = fromReadable(
    new ReadableStream<string>({ start: (c) => void (give = (value) => c.enqueue(value)) }),
  )
  expect(await moveOnAfter(1, async () => await end.receive())).toBeUndefined()
  give!('late')
  await waitAllTasksBlocked()
  expect(end.stats()).toMatchObject({ buffered: 1, receiving: 0 })
  expect(await end.receive()).toBe('late')
  end.close()
})

onBoth('serves those who wait together in the order of their coming, with one read at a time', async () => {
  let source: ReadableStreamDefaultController<number> | undefined
  let pulls = 0
  const pull = (controller: ReadableStreamDefaultController<number>) => {
    source = controller
    pulls += 1
  }
  using end = fromReadable(new ReadableStream<number>({ pull }, { highWaterMark: 0 }))
  for (let at = 0; at < 2; at++) expect(await moveOnAfter(1, async () => await end.receive())).toBeUndefined()
  const asked: number[] = []
  const served: number[] = []
  await taskGroup(async (group) => {
    for (let at = 0; at < 3; at++) {
      group.spawn(async () => {
        asked.push(at)
        served[await end.receive()] = at
      })
    }
    await waitAllTasksBlocked()
    expect(end.stats().receiving).toBe(3)
    for (let value = 0; value < 3; value++) {
      expect(pulls).toBe(value + 1)
      source!.enqueue(value)
      await waitAllTasksBlocked()
    }
  })
  expect(served).toEqual(asked)
  expect(pulls).toBe(3)
})

onBoth('shares a readable among clones, and cancels it with the last of them', async () => {
  const { seen, readable } = numbers(100)
  const first = fromReadable(readable, { name: 'numbers' })
  const second = first.clone()
  expect([await first.receive(), await second.receive()]).toEqual([0, 1])
  first.close()
  first.close()
  expect(seen.cancelled).toBeUndefined()
  await expect(first.receive()).rejects.toMatchObject({ code: 'CONCURRENCY_CHANNEL_CLOSED' })
  expect(() => first.tryReceive()).toThrow('this end of stream "numbers" is closed')
  expect(() => first.clone()).toThrow('closed')
  expect(await second.receive()).toBe(2)
  second.close()
  expect(seen.cancelled).toBe('cancelled')
})

onBoth('rejects the waits on an end that is closed meanwhile, and no others', async () => {
  const end = fromReadable(new ReadableStream<number>())
  const clone = end.clone()
  await taskGroup(async (group) => {
    const own = group.spawn(async () => await end.receive().catch(thrown))
    const other = group.spawn(async () => await clone.receive().catch(thrown))
    await waitAllTasksBlocked()
    end.close()
    expect(await own).toMatchObject({ code: 'CONCURRENCY_CHANNEL_CLOSED' })
    expect(other.state).toBe('pending')
    clone.close()
    expect(await other).toMatchObject({ code: 'CONCURRENCY_CHANNEL_CLOSED' })
  })
})

onBoth('gives the own error of a readable to everyone who waits and asks', async () => {
  let fail: ((error: unknown) => void) | undefined
  const failure = new Error('reset by peer')
  using end = fromReadable(
    new ReadableStream<number>({ start: (c) => void (fail = (error) => c.error(error)) }),
  )
  await taskGroup(async (group) => {
    const received = group.spawn(async () => await end.receive().catch(thrown))
    const iterated = group.spawn(async () => await end[Symbol.asyncIterator]().next().catch(thrown))
    await waitAllTasksBlocked()
    fail!(failure)
    expect(await received).toBe(failure)
    expect(await iterated).toBe(failure)
  })
  await expect(end.receive()).rejects.toBe(failure)
})

onBoth('awaits the cancellation of a readable at the end of its block, with its error', async () => {
  const failure = new Error('cannot stop')
  const block = async () => {
    await using end = fromReadable(new ReadableStream<number>({ cancel: () => Promise.reject(failure) }))
    return end.stats().receivers
  }
  expect(await block().catch(thrown)).toBe(failure)
})

onBoth('does not cover the reason of a cancelled block with its own', async () => {
  await cancelScope(async (scope) => {
    const block = async () => {
      await using end = fromReadable(
        new ReadableStream<number>({ cancel: () => new Promise(() => undefined) }),
      )
      await end.receive()
    }
    const ended = block().catch(thrown)
    await waitAllTasksBlocked()
    scope.cancel()
    expect(await ended).toBe(scope.reason)
  })
})

onBoth('carries values through a stream and back, with room for one on the way', async () => {
  const [send, receive] = channel<number>(1)
  const through = new TransformStream<number, string>({ transform: (value, c) => c.enqueue(`${value}`) })
  const got: string[] = []
  await taskGroup(async (group) => {
    group.spawn(async (task) => {
      await run(toReadable(receive).pipeTo(through.writable, { signal: task.signal }))
    })
    group.spawn(async () => {
      for (let at = 0; at < 10; at++) await send.send(at)
      send.close()
    })
    await using end = fromReadable(through.readable)
    for await (const value of end) got.push(value)
  })
  expect(got).toEqual(Array.from({ length: 10 }, (_, at) => `${at}`))
})

test('a pipeline over streams ends, and its ends are closed, wherever it is cancelled', async () => {
  await cancelAtEveryStep(
    async (victim) => {
      const [send, receive] = channel<number>(1)
      const got: number[] = []
      await victim(async () => {
        await taskGroup(async (group) => {
          group.spawn(async (task) => {
            const { readable } = numbers(4)
            await shield(async () => {
              await readable
                .pipeTo(toWritable(send, { scope: task }), { signal: task.signal })
                .catch((error) => {
                  if (error !== task.reason) throw error
                })
            })
          })
          using end = fromReadable(toReadable(receive))
          for await (const value of end) {
            got.push(value)
            await checkpoint()
          }
        })
      })
      expect(got).toEqual([0, 1, 2, 3].slice(0, got.length))
      await waitAllTasksBlocked()
      expect(send.stats()).toMatchObject({ senders: 0, receivers: 0, sending: 0, receiving: 0 })
    },
    { seeds: 10 },
  )
})

test('refuses what is no stream, a stream that is in use, and unknown options', async () => {
  expect(() => fromReadable({} as never)).toThrow('readable is not a ReadableStream')
  const { readable } = numbers(1)
  fromReadable(readable)
  expect(() => fromReadable(readable)).toThrow(TypeError)
  const [send, receive] = channel<number>(0)
  expect(() => toReadable(receive, { highWaterMark: 1 } as never)).toThrow('unknown option "highWaterMark"')
  expect(() => toWritable(send, { scope: {} as never })).toThrow(TypeError)
})
