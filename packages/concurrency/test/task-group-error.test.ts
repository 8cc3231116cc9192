import { taskGroup, TaskGroupError } from '@ipfs-kit/concurrency'
import { expect, test } from 'vitest'

const disk = new RangeError('disk')
const peer = new TypeError('peer')
const store = new TypeError('store')
const nested = new TaskGroupError([new TaskGroupError([disk, peer], 'inner'), store], 'outer')

test('is an AggregateError with a name, a group, a message and a cause', () => {
  const error = new TaskGroupError([disk, peer], 'uploads')
  expect(error).toBeInstanceOf(AggregateError)
  expect(error.name).toBe('TaskGroupError')
  expect(error.group).toBe('uploads')
  expect(error.message).toBe('task group "uploads" failed: disk (and 1 more)')
  expect(error.cause).toBe(disk)
  expect(error.errors).toEqual([disk, peer])
  expect(new TaskGroupError([disk], 'uploads').message).toBe('task group "uploads" failed: disk')
})

test('flatten gives the errors at the leaves, in order', () => {
  expect(nested.flatten()).toEqual([disk, peer, store])
})

test('an AggregateError of others is a leaf', () => {
  const other = new AggregateError([disk], 'other')
  expect(new TaskGroupError([other], 'g').flatten()).toEqual([other])
})

test('split parts the leaves and keeps nesting and names', () => {
  const [types, rest] = nested.split((error) => error instanceof TypeError)
  expect(types).toMatchObject({ group: 'outer', errors: [{ group: 'inner', errors: [peer] }, store] })
  expect(rest).toMatchObject({ group: 'outer', errors: [{ group: 'inner', errors: [disk] }] })
  expect(types!.flatten()).toEqual([peer, store])
  expect(rest!.flatten()).toEqual([disk])
  expect(nested.flatten()).toEqual([disk, peer, store])
})

test('a part that is empty is undefined', () => {
  const [all, none] = nested.split(() => true)
  expect(all!.flatten()).toEqual([disk, peer, store])
  expect(none).toBeUndefined()
  expect(nested.split(() => false)[0]).toBeUndefined()
})

test('the predicate is asked for each leaf once, and for no group', () => {
  const asked: unknown[] = []
  nested.split((error) => asked.push(error) > 1)
  expect(asked).toEqual([disk, peer, store])
})

test('what a group rejects with can be split', async () => {
  const error = (await taskGroup((group) => {
    group.spawn(() => Promise.reject(disk))
    group.spawn(() => Promise.reject(peer))
  }).catch((thrown: unknown) => thrown)) as TaskGroupError
  const [types] = error.split((one) => one instanceof TypeError)
  expect(types!.errors).toEqual([peer])
})
