import {
  AbortError,
  cancelScope,
  checkpoint,
  ConcurrencyError,
  currentScope,
  moveOnAfter,
  sleep,
  taskGroup,
  TaskGroupError,
} from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'

const onBoth = forEachBackend(test)

async function failureOf(promise: Promise<unknown>): Promise<TaskGroupError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(TaskGroupError)
  return error as TaskGroupError
}

onBoth('a task that fails cancels the others, and the group rejects with its error alone', async () => {
  const failure = new Error('disk full')
  let cutOff: unknown
  const error = await failureOf(
    taskGroup(
      (group) => {
        group.spawn(async () => {
          try {
            await sleep(Infinity)
          } catch (reason) {
            cutOff = reason
            throw reason
          }
        })
        group.spawn(
          async () => {
            await checkpoint()
            throw failure
          },
          { name: 'writer' },
        )
      },
      { name: 'uploads' },
    ),
  )
  expect(error.errors).toEqual([failure])
  expect(error.cause).toBe(failure)
  expect(error.group).toBe('uploads')
  expect(error.message).toBe('task group "uploads" failed: disk full')
  expect(cutOff).toBeInstanceOf(AbortError)
  expect(cutOff).toMatchObject({
    source: 'sibling',
    scope: 'uploads',
    cause: failure,
    message: 'task "writer" failed',
  })
})

onBoth('a body that fails cancels the tasks, and is one of the failures', async () => {
  let cutOff: unknown
  const failure = new Error('body')
  const error = await failureOf(
    taskGroup(async (group) => {
      group.spawn(async () => {
        await sleep(Infinity).catch((reason: unknown) => (cutOff = reason))
        throw new Error('cleanup')
      })
      await checkpoint()
      throw failure
    }),
  )
  expect(error.errors.map(String)).toEqual(['Error: body', 'Error: cleanup'])
  expect(error.message).toContain('(and 1 more)')
  expect(cutOff).toMatchObject({ source: 'sibling', cause: failure })
})

onBoth('failures stand in the order in which they happened', async () => {
  const error = await failureOf(
    taskGroup((group) => {
      for (const ms of [Infinity, 1, Infinity]) {
        group.spawn(async ({ cancelled }) => {
          expect(cancelled).toBe(false)
          try {
            await sleep(ms)
          } finally {
            // oxlint-disable-next-line no-unsafe-finally -- a cleanup that fails
            throw new Error(`after ${ms}`)
          }
        })
      }
    }),
  )
  expect(error.errors).toHaveLength(3)
  expect(String(error.errors[0])).toBe('Error: after 1')
})

onBoth('an error that several tasks met is there once', async () => {
  const failure = new Error('once')
  const error = await failureOf(
    taskGroup(async (group) => {
      const failing = group.spawn(async () => {
        await checkpoint()
        throw failure
      })
      for (let at = 0; at < 3; at++) group.spawn(async () => await failing)
      await failing
    }),
  )
  expect(error.errors).toEqual([failure])
})

onBoth(
  'what is no Error becomes one that names the task and has it as cause',
  async () => {
    const odd = [undefined, null, 0, Number.NaN, 'text', Symbol('s'), { plain: true }, Object.create(null)]
    for (const thrown of odd) {
      const error = await failureOf(
        taskGroup((group) => {
          group.spawn(() => Promise.reject(thrown), { name: 'thrower' })
        }),
      )
      expect(error.errors).toHaveLength(1)
      const [only] = error.errors as ConcurrencyError[]
      expect(only).toBeInstanceOf(ConcurrencyError)
      expect(only).toMatchObject({ code: 'CONCURRENCY_NON_ERROR' })
      expect(only!.cause).toBe(thrown)
      expect(only!.message).toContain('task "thrower"')
    }
  },
  { seeds: 5 },
)

onBoth('a body that throws what is no Error names the group', async () => {
  const error = await failureOf(taskGroup(() => Promise.reject(5), { name: 'uploads' }))
  expect(error.errors).toMatchObject([{ code: 'CONCURRENCY_NON_ERROR', cause: 5 }])
  expect(String(error.errors[0])).toContain('group "uploads" failed with 5')
})

onBoth(
  'a failure and a cancellation at once: the failure comes through, the cancellation is left out',
  async () => {
    const outcome = await moveOnAfter(1, async () => {
      await taskGroup((group) => {
        group.spawn(async () => {
          await sleep(Infinity).catch(() => undefined)
          throw new Error('while being cancelled')
        })
        group.spawn(() => sleep(Infinity))
      })
    }).catch((error: unknown) => error)
    expect(outcome).toBeInstanceOf(TaskGroupError)
    expect((outcome as TaskGroupError).errors.map(String)).toEqual(['Error: while being cancelled'])
  },
)

onBoth('groups inside groups keep their nesting', async () => {
  const error = await failureOf(
    taskGroup((outer) => {
      outer.spawn(async () => {
        await taskGroup(
          (inner) => {
            inner.spawn(() => Promise.reject(new Error('deep')))
          },
          { name: 'inner' },
        )
      })
    }),
  )
  expect(error.errors).toMatchObject([{ name: 'TaskGroupError', group: 'inner' }])
  expect(error.flatten().map(String)).toEqual(['Error: deep'])
})

onBoth('the reason of another scope is a failure like any other', async () => {
  const error = await failureOf(
    taskGroup(async (group) => {
      const other = group.spawn(() => sleep(Infinity), { name: 'other' })
      other.cancel('not needed')
      await other
    }),
  )
  expect(error.errors).toMatchObject([{ name: 'AbortError', scope: 'other', message: 'not needed' }])
})

onBoth('a group that failed and was cancelled around it rejects with its failures', async () => {
  await cancelScope(async (outer) => {
    const error = await failureOf(
      taskGroup(async (group) => {
        group.spawn(() => Promise.reject(new Error('first')))
        await sleep(Infinity).catch(() => outer.cancel())
        await checkpoint()
      }),
    )
    expect(error.flatten().map(String)).toEqual(['Error: first'])
    expect(currentScope().cancelled).toBe(true)
  })
})
