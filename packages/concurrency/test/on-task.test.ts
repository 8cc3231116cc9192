import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { onTask, sleep, taskChannelName, taskGroup, type TaskEvent } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'

const onBoth = forEachBackend(test, { seeds: 20 })

onBoth('tells of each task when it is spawned, when it begins and how it ends', async () => {
  const events: TaskEvent[] = []
  const stop = onTask((event) => events.push(event))
  await taskGroup(
    async (group) => {
      group.spawn(() => sleep(1), { name: 'done' })
      group.spawn(() => sleep(Infinity), { name: 'cancelled' }).cancel()
      await group.start(() => Promise.reject(new Error('x')), { name: 'failed' }).catch(() => undefined)
    },
    { name: 'uploads' },
  )
  stop()
  const of = (task: string) => events.filter((event) => event.task === task)
  for (const state of ['done', 'cancelled', 'failed'] as const) {
    expect(of(state)).toMatchObject([
      { type: 'spawned', group: 'uploads' },
      { type: 'began', group: 'uploads' },
      { type: 'ended', group: 'uploads', state, ...(state === 'failed' ? { error: new Error('x') } : {}) },
    ])
    expect(new Set(of(state).map(({ id }) => id)).size).toBe(1)
    const times = of(state).map(({ at }) => at)
    expect(times).toEqual(times.toSorted((a, b) => a - b))
  }
  expect(events).toHaveLength(9)
  expect(new Set(events.map(({ backend }) => backend)).size).toBe(1)
})

onBoth('tells nothing after it was stopped', async () => {
  const events: TaskEvent[] = []
  const stop = onTask((event) => events.push(event))
  stop()
  stop()
  await taskGroup((group) => void group.spawn(() => undefined))
  expect(events).toEqual([])
})

test('the events are those of the diagnostics channel', async () => {
  const heard: unknown[] = []
  const listener = (message: unknown) => void heard.push(message)
  subscribe(taskChannelName, listener)
  await taskGroup((group) => void group.spawn(() => undefined, { name: 'one' }))
  unsubscribe(taskChannelName, listener)
  expect(taskChannelName).toBe('concurrency:task')
  expect(heard).toMatchObject([
    { type: 'spawned', backend: 'native', task: 'one' },
    { type: 'began' },
    { type: 'ended', state: 'done' },
  ])
})

test('what is no function is refused', () => {
  expect(() => onTask('listener' as never)).toThrow(TypeError)
})

onBoth('a task is told from others of its name, and its parent is named', async () => {
  const events: TaskEvent[] = []
  const stop = onTask((event) => events.push(event))
  const nested = () => taskGroup((group) => void group.spawn(() => undefined, { name: 'inner' }))
  await taskGroup((group) => {
    for (let at = 0; at < 3; at++) group.spawn(nested, { name: 'outer' })
  })
  stop()
  const idsOf = (name: string) => new Set(events.filter(({ task }) => task === name).map(({ id }) => id))
  expect(idsOf('outer').size).toBe(3)
  const parents = events.filter(({ task, type }) => task === 'inner' && type === 'ended')
  expect(new Set(parents.map(({ parentId }) => parentId))).toEqual(idsOf('outer'))
})
