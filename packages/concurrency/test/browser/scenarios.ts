/**
 * What holds on any host, written with nothing but the core and passed scopes: bundled for a browser, and run in a page
 * and beside Node's modules.
 */
import {
  AbortError,
  ConcurrencyError,
  TaskGroupError,
  TimeoutError,
  cancelScope,
  channel,
  checkpoint,
  createCapacityLimiter,
  createCondition,
  createEvent,
  createLock,
  createOwner,
  createSemaphore,
  currentScope,
  failAfter,
  fromReadable,
  map,
  moveOnAfter,
  now,
  onTask,
  race,
  random,
  run,
  shield,
  sim,
  sleep,
  taskGroup,
  toReadable,
  tree,
  withBackend,
  type Scope,
  type TaskEvent,
} from '@ipfs-kit/concurrency'

/** Where scenarios run. */
export interface Place {
  /** An address that never answers. */
  readonly silentUrl: string
}

function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(`does not hold: ${what}`)
}

function equal(actual: unknown, expected: unknown, what: string): void {
  const [left, right] = [JSON.stringify(actual), JSON.stringify(expected)]
  check(left === right, `${what}: ${left} is ${right}`)
}

/** What a promise rejects with. */
async function failureOf(promise: PromiseLike<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('does not hold: it rejects')
}

const forever = (scope: Scope) => sleep(Infinity, { scope })

/** Four tasks that share a semaphore and a channel; the answer is the trace of one simulated run. */
async function traceOf(seed: number): Promise<string> {
  const lines: string[] = []
  const trace = (line: string) => void lines.push(line)
  const main = async (scope: Scope) => {
    const [send, receive] = channel<number>(1)
    const semaphore = createSemaphore(2)
    await taskGroup(
      (group) => {
        for (let at = 0; at < 4; at++) {
          group.spawn(async (task) => {
            using _permit = await semaphore.acquire({ scope: task })
            await sleep(random({ scope: task }) * 100, { scope: task })
            await send.send(at, { scope: task })
          })
        }
        group.spawn(async (task) => {
          for (let at = 0; at < 4; at++) lines.push(String(await receive.receive({ scope: task })))
        })
      },
      { scope },
    )
    lines.push(String(now({ scope })))
  }
  await withBackend(main, { backend: sim(seed, { trace }) })
  return lines.join('\n')
}

/** The scenarios by the fact that each shows. */
export const scenarios: Record<string, (place: Place) => Promise<void>> = {
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

  'a channel keeps the order, waits for room and ends when the last sender has closed': async () => {
    const got: number[] = []
    await taskGroup((group) => {
      const [send, receive] = channel<number>(2)
      const other = send.clone()
      group.spawn(async (task) => {
        for (let value = 0; value < 100; value++) await send.send(value, { scope: task })
        send.close()
        other.close()
      })
      group.spawn(async (task) => {
        for (let at = 0; at < 100; at++) got.push(await receive.receive({ scope: task }))
        const error = await failureOf(receive.receive({ scope: task }))
        check(error instanceof ConcurrencyError && error.code === 'CONCURRENCY_CHANNEL_ENDED', 'the end')
      })
    })
    equal(
      got,
      Array.from({ length: 100 }, (_, at) => at),
      'what came',
    )
  },

  'iterating a channel ends with it': async () => {
    const [send, receive] = channel<string>(3)
    for (const value of ['a', 'b', 'c']) send.trySend(value)
    send.close()
    const got: string[] = []
    for await (const value of receive) got.push(value)
    equal(got, ['a', 'b', 'c'], 'what came')
  },

  'a cancelled waiter takes no permit': async () => {
    const semaphore = createSemaphore(1)
    const first = await semaphore.acquire()
    await moveOnAfter(1, (scope) => semaphore.acquire({ scope }))
    equal(semaphore.stats().waiting, 0, 'waiting')
    first.release()
    using _second = await semaphore.acquire()
    equal(semaphore.available, 0, 'available')
  },

  'the other primitives wait in passed scopes': async () => {
    const lock = createLock()
    const condition = createCondition(lock)
    const limiter = createCapacityLimiter(1)
    const happened = createEvent()
    const seen: string[] = []
    await taskGroup(async (group) => {
      group.spawn(async (task) => {
        using _held = await lock.acquire({ scope: task })
        await condition.waitFor(() => seen.includes('event'), { scope: task })
        seen.push('condition')
      })
      group.spawn(async (task) => {
        await happened.wait({ scope: task })
        using _held = await lock.acquire({ scope: task })
        seen.push('event')
        condition.notify(1, { scope: task })
      })
      group.spawn(async (task) => {
        using _token = await limiter.acquire({ scope: task })
        await checkpoint({ scope: task })
        happened.set()
      })
      const cut = await moveOnAfter(1, (limit) => limiter.acquire({ borrower: 'late', scope: limit }), {
        scope: group,
      })
      check(cut === undefined || limiter.stats().borrowed === 1, 'a limiter')
      cut?.release()
    })
    equal(seen, ['event', 'condition'], 'order')
  },

  'many at once, races and streams wait in passed scopes': async () => {
    const squares = await map(
      [3, 1, 2],
      async (value, _, task) => {
        await sleep(value, { scope: task })
        return value * value
      },
      { concurrency: 2 },
    )
    equal(squares, [9, 1, 4], 'map')
    let loser: unknown
    const winner = await race([
      async (task) => {
        await checkpoint({ scope: task })
        return 'near'
      },
      async (task) => {
        loser = await failureOf(forever(task))
        throw loser
      },
    ])
    check(winner === 'near' && loser instanceof AbortError, 'race')
    const [send, receive] = channel<string>(1)
    const heard = await taskGroup(async (group) => {
      group.spawn(async (task) => {
        for (const word of ['one', 'two']) await send.send(word, { scope: task })
        send.close()
      })
      const got: string[] = []
      const stream = toReadable(receive, { scope: group })
      for await (const word of fromReadable(stream)) got.push(word)
      return got
    })
    equal(heard, ['one', 'two'], 'streams')
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

  'the same seed gives the same run, other seeds give others': async () => {
    const first = await traceOf(1)
    for (let again = 0; again < 20; again++) equal(await traceOf(1), first, 'trace')
    const seeds = Array.from({ length: 100 }, (_, seed) => seed)
    const traces = new Set<string>()
    for (const seed of seeds) traces.add(await traceOf(seed))
    check(traces.size > 90, `${traces.size} of 100 are different`)
  },

  'a simulated day takes no time': async () => {
    const began = performance.now()
    const day = 24 * 3_600_000
    const main = async (scope: Scope) => {
      await sleep(day, { scope })
      return now({ scope })
    }
    equal(await withBackend(main, { backend: sim(1) }), day, 'virtual time')
    check(performance.now() - began < 10_000, 'real time')
  },

  'some seed finds a lost update, and a deadlock is told with the task tree': async () => {
    const lost = async (seed: number) => {
      let count = 0
      const add = async (task: Scope) => {
        const before = count
        await checkpoint({ scope: task })
        count = before + 1
      }
      const main = (scope: Scope) =>
        taskGroup(
          (group) => {
            group.spawn(async (task) => await add(task))
            group.spawn(async (task) => {
              await checkpoint({ scope: task })
              await add(task)
            })
          },
          { scope },
        )
      await withBackend(main, { backend: sim(seed) })
      return count < 2
    }
    let found = 0
    for (let seed = 0; seed < 100; seed++) if (await lost(seed)) found += 1
    check(found > 0 && found < 100, `${found} of 100 seeds lose an update`)

    const stuck = (scope: Scope) => channel<string>(0, { name: 'nobody' })[1].receive({ scope })
    const error = await failureOf(withBackend(stuck, { backend: sim(1) }))
    check(error instanceof ConcurrencyError && error.code === 'CONCURRENCY_SIM_DEADLOCK', 'a deadlock')
    check((error as Error).message.includes('waits: channel receive "nobody"'), 'the tree')
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

/** How one scenario ended. */
export interface ScenarioResult {
  readonly name: string
  /** Stack of the error; absent if it holds. */
  readonly failure?: string
}

/** Runs one scenario. */
export async function runScenario(name: string, place: Place): Promise<ScenarioResult> {
  try {
    await scenarios[name]!(place)
    return { name }
  } catch (error) {
    const text = error instanceof Error ? `${error.message}\n${error.stack}` : String(error)
    return { name, failure: text }
  }
}
