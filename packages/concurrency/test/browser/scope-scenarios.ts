/** Scopes, groups, owners and what is seen of them. */
import {
  AbortError,
  TaskGroupError,
  TimeoutError,
  cancelScope,
  checkpoint,
  createOwner,
  currentScope,
  failAfter,
  moveOnAfter,
  now,
  onTask,
  run,
  shield,
  sleep,
  taskGroup,
  tree,
  type TaskEvent,
} from '@ipfs-kit/concurrency'
import { check, equal, failureOf, forever, type Scenarios } from './checks.ts'

export const scopeScenarios: Scenarios = {
  'a group in a passed scope ends after its tasks and gives what its body returned': async () => {
    const ended: number[] = []
    const value = await cancelScope((scope) =>
      taskGroup(
        (group) => {
          for (const ms of [3, 1, 2]) {
            group.spawn(async (task) => {
              check(task.parent === group, 'a task lies in its group')
              await sleep(ms, { scope: task })
              ended.push(ms)
            })
          }
          return 'body'
        },
        { scope },
      ),
    )
    equal([value, ended.length], ['body', 3], 'value and ends')
  },

  'the first failure cancels the other tasks, and all failures come as one': async () => {
    let reason: unknown
    const error = await failureOf(
      taskGroup((group) => {
        group.spawn(async (task) => {
          reason = await failureOf(forever(task))
          throw reason
        })
        group.spawn(async (task) => {
          await checkpoint({ scope: task })
          throw new RangeError('first')
        })
      }),
    )
    check(error instanceof TaskGroupError, 'a TaskGroupError')
    equal(
      (error as TaskGroupError).flatten().map((one) => (one as Error).message),
      ['first'],
      'its errors, without cancellations',
    )
    check(reason instanceof AbortError && reason.source === 'sibling', 'cancelled by its sibling')
  },

  'a cancelled scope refuses each later wait with the same reason, which its signal has too': async () => {
    const seen: unknown[] = []
    await cancelScope(async (scope) => {
      const { signal } = scope
      scope.cancel('enough')
      for (let at = 0; at < 40; at++) seen.push(await failureOf(sleep(1, { scope })))
      seen.push(signal.reason, scope.reason)
    })
    check(seen.length === 42 && new Set(seen).size === 1, 'one reason')
    check(seen[0] instanceof AbortError && seen[0].source === 'explicit', 'an AbortError')
  },

  'deadlines reach into passed scopes, up to a shield': async () => {
    const within = await cancelScope(async (outer) =>
      moveOnAfter(
        5,
        async (inner) => {
          check(inner.effectiveDeadline <= now() + 5, 'the deadline is seen')
          await shield((safe) => sleep(10, { scope: safe }), { scope: inner })
          await forever(inner)
        },
        { scope: outer },
      ),
    )
    check(within === undefined, 'moved on')
    const error = await failureOf(
      failAfter(1, (scope) => taskGroup((group) => group.spawn(forever).join({ scope: group }), { scope })),
    )
    check(error instanceof TimeoutError, 'a TimeoutError')
  },

  'the reason of a foreign signal passes untouched': async () => {
    const reason = { plain: 'object' }
    const abort = new AbortController()
    const waiting = failureOf(sleep(Infinity, { signal: abort.signal }))
    abort.abort(reason)
    check((await waiting) === reason, 'one wait')
    const refused = failureOf(taskGroup(forever, { signal: abort.signal }))
    check((await refused) === reason, 'a group')
  },

  'the signal of a scope stops a request': async ({ silentUrl }) => {
    const given = await moveOnAfter(20, async (scope) => {
      await run(fetch(silentUrl, { signal: scope.signal }), { scope })
      return 'answered'
    })
    check(given === undefined, 'moved on')
  },

  'work of an owner outlives the caller that began it': async () => {
    const owner = createOwner({ name: 'cache' })
    const flight = owner.spawn(async (own) => {
      await sleep(5, { scope: own })
      return 'loaded'
    })
    check((await moveOnAfter(1, (scope) => flight.join({ scope }))) === undefined, 'the first caller left')
    equal(await flight, 'loaded', 'the flight')
    await owner.close()
    equal(owner.stats().closed, true, 'closed')
  },

  'start returns when the task is ready': async () => {
    await taskGroup(async (group) => {
      const port = await group.start<number>(async (started, task) => {
        await checkpoint({ scope: task })
        started(4801)
        await forever(task)
      })
      equal(port, 4801, 'port')
      group.cancel()
    })
  },

  'tasks are seen by those who listen, and in the tree': async () => {
    const events: TaskEvent[] = []
    const stop = onTask((event) => void events.push(event))
    await taskGroup(
      async (group) => {
        group.spawn(forever, { name: 'sleeper' })
        await checkpoint({ scope: group })
        equal(
          tree(group).inner.map(({ name, waits }) => [name, waits[0]?.what]),
          [['sleeper', 'sleep']],
          'tree',
        )
        group.cancel()
      },
      { name: 'seen' },
    )
    stop()
    equal(
      events.filter(({ group }) => group === 'seen').map(({ type, state }) => state ?? type),
      ['spawned', 'began', 'cancelled'],
      'events',
    )
  },

  'without async context the running code is in the root': async () => {
    const root = currentScope()
    await cancelScope(async () => check(currentScope() === root, 'no scope travels'))
  },
}
