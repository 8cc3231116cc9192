import { cancelScope, fromReadable, moveOnAfter, taskGroup } from '@ipfs-kit/concurrency'
import { forEachBackend, waitAllTasksBlocked } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'
import { numbers } from './number-stream.ts'

const onBoth = forEachBackend(test)
const thrown = (error: unknown) => error

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
