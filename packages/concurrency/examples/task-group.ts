import assert from 'node:assert/strict'
import { TaskGroupError, moveOnAfter, sleep, taskGroup } from '@ipfs-kit/concurrency'

// A group returns when everything that was begun in it has ended.
const stored: string[] = []
const total = await taskGroup(async (group) => {
  const store = async (name: string) => {
    await sleep(1)
    stored.push(name)
    return name.length
  }
  const tasks = ['a', 'bb', 'ccc'].map((name) => group.spawn(() => store(name)))
  let bytes = 0
  for (const task of tasks) bytes += await task
  return bytes
})
assert.equal(total, 6)
assert.equal(stored.length, 3)

// The first failure cancels the other tasks. When they have ended, all failures come as one error.
const failing = taskGroup((group) => {
  group.spawn(() => sleep(Infinity), { name: 'patient' })
  group.spawn(
    async () => {
      throw new RangeError('no room')
    },
    { name: 'hasty' },
  )
})
await assert.rejects(failing, (error) => {
  assert(error instanceof TaskGroupError)
  assert.deepEqual(error.flatten().map(String), ['RangeError: no room'])
  return true
})

// A deadline reaches everything that waits inside, however deep. Nothing has to be passed along.
const answer = await moveOnAfter(5, () =>
  taskGroup(async (group) => {
    await group.spawn(() => sleep(60_000))
    return 'slow'
  }),
)
assert.equal(answer, undefined)
