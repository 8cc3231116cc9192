import {
  checkpoint,
  createOwner,
  createSemaphore,
  shield,
  sim,
  sleep,
  taskGroup,
  withBackend,
  type SimOptions,
} from '@ipfs-kit/concurrency'
import { describe, expect, test } from 'vitest'

describe('a run fails', () => {
  const failure = async (fn: () => unknown, options?: SimOptions): Promise<Error & { code?: string }> =>
    await withBackend(fn, { backend: sim(1, options) }).then(
      () => {
        throw new Error('the run did not fail')
      },
      (error: Error) => error,
    )

  test('when every task waits and no timer is left, with the task tree', async () => {
    const error = await failure(async () => {
      const semaphore = createSemaphore(1, { name: 'only one' })
      await taskGroup(
        async (group) => {
          await semaphore.acquire()
          group.spawn(
            async () => {
              await semaphore.acquire()
            },
            { name: 'second' },
          )
        },
        { name: 'pair' },
      )
    })
    expect(error.code).toBe('CONCURRENCY_SIM_DEADLOCK')
    expect(error.message).toBe(
      [
        'every task waits and no timer is left',
        'root "sim"',
        '  scope "main"',
        '    group "pair"',
        '      task "second" (waits: semaphore "only one")',
      ].join('\n'),
    )
  })

  test('when it deadlocks although it is cancelled', async () => {
    const error = await failure(async () => await shield(async () => await sleep(Infinity)))
    expect(error.code).toBe('CONCURRENCY_SIM_DEADLOCK')
    expect(error.message).toContain('shielded; waits: sleep')
  })

  test('after maxSteps, also if it never stops', async () => {
    const polite = await failure(
      async () => {
        for (;;) await checkpoint()
      },
      { maxSteps: 500 },
    )
    expect(polite.code).toBe('CONCURRENCY_SIM_STEPS')
    expect(polite.message).toContain('more than 500 steps')
    let stubborn = 0
    const deaf = await failure(
      async () => {
        for (;;) {
          await checkpoint().catch(() => (stubborn += 1))
        }
      },
      { maxSteps: 500 },
    )
    expect(deaf.code).toBe('CONCURRENCY_SIM_STEPS')
    const after = stubborn
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(stubborn).toBe(after)
  })

  test('when it ends while a task is alive', async () => {
    const error = await failure(() => {
      const owner = createOwner({ name: 'forgotten' })
      owner.spawn(async () => await sleep(Infinity), { name: 'server' })
    })
    expect(error.code).toBe('CONCURRENCY_SIM_LEAK')
    expect(error.message).toContain('owner "forgotten"\n    task "server" (waits: sleep)')
  })

  test('with both, if its main function failed as well', async () => {
    const own = new Error('own')
    const error = await failure(async () => {
      try {
        await sleep(Infinity)
      } finally {
        // oxlint-disable-next-line no-unsafe-finally -- what replaces the cancellation is what this is about
        throw own
      }
    })
    expect(error).toMatchObject({ code: 'CONCURRENCY_SIM_DEADLOCK', cause: own })
    expect(error.message).toMatch(/^every task waits[^]*\nits main function failed with: own$/)
  })

  test('with the very error that it threw', async () => {
    const thrown = new Error('own')
    expect(
      await failure(() => {
        throw thrown
      }),
    ).toBe(thrown)
  })
})
