import {
  cancelScope,
  channel,
  checkpoint,
  fromReadable,
  run,
  shield,
  taskGroup,
  toReadable,
  toWritable,
} from '@ipfs-kit/concurrency'
import { cancelAtEveryStep, forEachBackend, waitAllTasksBlocked } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'
import { numbers } from './number-stream.ts'

const onBoth = forEachBackend(test)
const thrown = (error: unknown) => error

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
