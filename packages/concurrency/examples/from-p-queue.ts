import assert from 'node:assert/strict'
import {
  channel,
  checkpoint,
  createCapacityLimiter,
  failAfter,
  sleep,
  taskGroup,
  type CapacityLimiter,
  type Task,
  type TaskGroup,
} from '@ipfs-kit/concurrency'

/** A queue to which jobs are added while it runs. It lives in a group, which ends when the last job has ended. */
class Queue {
  readonly #group: TaskGroup
  readonly #slots: CapacityLimiter

  constructor(group: TaskGroup, concurrency: number) {
    this.#group = group
    this.#slots = createCapacityLimiter(concurrency, { name: 'queue' })
  }

  /** queue.add(fn). The handle can be awaited and cancelled. */
  add<T>(job: () => Promise<T>): Task<T> {
    return this.#group.spawn(async () => {
      using _slot = await this.#slots.acquire()
      // queue.timeout: the limit of one job, without the time that it waited.
      return await failAfter(1000, job)
    })
  }

  /** queue.concurrency; 0 is queue.pause(). */
  set concurrency(total: number) {
    this.#slots.total = total
  }

  /** queue.size: what waits. */
  get size(): number {
    return this.#slots.stats().waiting
  }
}

const done: string[] = []
const job = (name: string) => async () => {
  await sleep(1)
  done.push(name)
  return name
}

// await queue.onIdle() is the end of the group.
await taskGroup(async (group) => {
  const queue = new Queue(group, 0)
  const first = queue.add(job('first'))
  queue.add(job('second'))
  await checkpoint()
  assert.equal(queue.size, 2)
  queue.concurrency = 1
  assert.equal(await first, 'first')
  queue.add(job('third'))
})
assert.deepEqual(done, ['first', 'second', 'third'])

// await queue.onSizeLessThan(n) before each add: a channel and workers, where the send waits by itself.
let sum = 0
await taskGroup(async (group) => {
  const [jobs, queued] = channel<number>(2)
  for (let worker = 0; worker < 3; worker++) {
    group.spawn(async () => {
      for await (const value of queued) {
        await sleep(1)
        sum += value
      }
    })
  }
  for (let value = 1; value <= 10; value++) await jobs.send(value)
  jobs.close()
})
assert.equal(sum, 55)
