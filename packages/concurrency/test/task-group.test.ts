import { checkpoint, currentScope, sleep, taskGroup, type TaskGroup } from '@ipfs-kit/concurrency'
import { forEachBackend, sequencer } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'

const onBoth = forEachBackend(test)

onBoth('gives what the body returned once every task has ended', async () => {
  const ended: string[] = []
  const result = await taskGroup((group) => {
    group.spawn(async () => {
      await sleep(2)
      ended.push('slow')
    })
    group.spawn(async () => {
      await checkpoint()
      ended.push('quick')
    })
    ended.push('body')
    return 'result'
  })
  expect(result).toBe('result')
  expect(ended[0]).toBe('body')
  expect(ended.toSorted()).toEqual(['body', 'quick', 'slow'])
})

onBoth('a spawned function is called after spawn has returned, also if it has no wait', async () => {
  const order: string[] = []
  await taskGroup((group) => {
    group.spawn(() => void order.push('task'))
    order.push('after spawn')
  })
  expect(order).toEqual(['after spawn', 'task'])
})

onBoth('tasks and their tasks are waited for, however deep they are spawned', async () => {
  let ended = 0
  const grow = (group: TaskGroup, depth: number): void => {
    for (let at = 0; at < 2; at++) {
      group.spawn(async () => {
        await checkpoint()
        if (depth > 0) grow(group, depth - 1)
        await checkpoint()
        ended += 1
      })
    }
  }
  await taskGroup((group) => grow(group, 3))
  expect(ended).toBe(30)
})

onBoth('a task may spawn as the last thing that it does', async () => {
  const ran: number[] = []
  await taskGroup((group) => {
    const next = (left: number) => () => {
      ran.push(left)
      if (left > 0) group.spawn(next(left - 1), { name: `task ${left}` })
    }
    group.spawn(next(20))
  })
  expect(ran).toHaveLength(21)
})

// Between the last look at the tasks and the end of the group there must be no gap, whichever microtask one spawns in.
for (let ticks = 0; ticks < 8; ticks++) {
  onBoth(`a task spawned ${ticks} microtasks after the last one ended is refused or waited for`, async () => {
    let groupEnded = false
    let outcome: unknown
    await taskGroup(async (outer) => {
      const seq = sequencer()
      let group!: TaskGroup
      const last = Promise.withResolvers<Promise<void>>()
      outer.spawn(async () => {
        await taskGroup((inner) => {
          group = inner
          last.resolve(inner.spawn(() => seq(1)).join({ scope: outer }))
        })
        groupEnded = true
      })
      const joined = last.promise
      await seq(0)
      await joined
      for (let tick = 0; tick < ticks; tick++) await Promise.resolve()
      try {
        group.spawn(async () => {
          await sleep(1)
          outcome = groupEnded ? 'outlived its group' : 'waited for'
        })
      } catch (error) {
        outcome = (error as { code?: unknown }).code
      }
    })
    expect(['waited for', 'CONCURRENCY_SCOPE_CLOSED']).toContain(outcome)
  })
}

onBoth('a group without tasks ends with its body', async () => {
  expect(await taskGroup(() => 7)).toBe(7)
  expect(await taskGroup(async () => await sleep(1))).toBeUndefined()
})

onBoth('spawning into a group that has ended is refused, and names task and group', async () => {
  let kept: TaskGroup | undefined
  await taskGroup((group) => void (kept = group), { name: 'uploads' })
  expect(() => kept!.spawn(() => undefined, { name: 'late' })).toThrow(
    expect.objectContaining({
      code: 'CONCURRENCY_SCOPE_CLOSED',
      message: expect.stringMatching(/"late".*group "uploads"/),
    }),
  )
})

onBoth('groups inside tasks end before the task does', async () => {
  const ended: string[] = []
  await taskGroup((outer) => {
    outer.spawn(async () => {
      await taskGroup((inner) => {
        inner.spawn(async () => {
          await sleep(2)
          ended.push('inner')
        })
      })
      ended.push('outer')
    })
  })
  expect(ended).toEqual(['inner', 'outer'])
})

onBoth('a group, its tasks and its scope carry names', async () => {
  await taskGroup(async function uploads(group) {
    expect(group.name).toBe('uploads')
    expect(currentScope()).toBe(group)
    const named = group.spawn(async function read(task) {
      expect(task.name).toBe('read')
      expect(task.parent).toBe(group)
      expect(currentScope()).toBe(task)
    })
    expect(named.name).toBe('read')
    expect(group.spawn(() => undefined, { name: 'given' }).name).toBe('given')
    expect(group.spawn(() => undefined).name).toBe('anonymous')
  })
  await taskGroup((group) => expect(group.name).toBe('given'), { name: 'given' })
})

onBoth(
  'ten thousand tasks end, and those that have ended are in no list',
  async () => {
    let ended = 0
    await taskGroup(async (group) => {
      for (let at = 0; at < 10_000; at++) group.spawn(() => void (ended += 1))
      await sleep(1)
    })
    expect(ended).toBe(10_000)
  },
  { seeds: 1 },
)
