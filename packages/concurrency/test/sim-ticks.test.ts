import { checkpoint, createEvent, sim, sleep, taskGroup, withBackend } from '@ipfs-kit/concurrency'
import { expect, test } from 'vitest'

/** Promises and ticks of the host in turn, `depth` times. */
async function ticks(depth: number): Promise<void> {
  for (let left = depth; left > 0; left--) {
    await new Promise<void>((resolve) => {
      process.nextTick(() => void Promise.resolve().then(resolve))
    })
  }
}

test('what a task does in ticks of the host belongs to its step, however many there are', async () => {
  for (let depth = 0; depth < 8; depth++) {
    const order: string[] = []
    const program = async () => {
      const event = createEvent()
      await taskGroup((group) => {
        group.spawn(async () => {
          await checkpoint()
          await ticks(depth)
          order.push('ticks')
          event.set()
        })
        group.spawn(async () => {
          await event.wait()
          await sleep(1)
          order.push('event')
        })
      })
    }
    await withBackend(program, { backend: sim(depth + 1) })
    expect(order).toEqual(['ticks', 'event'])
  }
})

test('ticks of the host do not let the clock jump before they are over', async () => {
  const seen: string[] = []
  const program = () =>
    taskGroup((group) => {
      group.spawn(async () => {
        await ticks(1)
        seen.push('ticks')
      })
      group.spawn(async () => {
        await sleep(1000)
        seen.push('clock')
      })
    })
  for (let seed = 1; seed <= 20; seed++) {
    seen.length = 0
    await withBackend(program, { backend: sim(seed) })
    expect(seen).toEqual(['ticks', 'clock'])
  }
})
