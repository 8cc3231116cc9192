import { failAfter, taskGroup, TimeoutError } from '@ipfs-kit/concurrency'
import { createThreadPool, thread, transfer } from '@ipfs-kit/concurrency/thread'
import { afterAll, expect, test } from 'vitest'
import { onDeno } from './runtime.ts'
import type * as work from './thread-work.ts'

const module = new URL('./thread-work.ts', import.meta.url)
const coded = (code: string) => expect.objectContaining({ name: 'ConcurrencyError', code })

const one = createThreadPool({ threads: 1, name: 'one' })
afterAll(() => one.close())

/** A cell that a thread raises when it has begun, and the promise of that. */
function beginning() {
  const cell = new Int32Array(new SharedArrayBuffer(4))
  return { cell, begun: Promise.resolve(Atomics.waitAsync(cell, 0, 0).value) }
}

/** Says that it has begun and never ends. */
const spin = (cell: Int32Array): never => {
  Atomics.store(cell, 0, 1)
  Atomics.notify(cell, 0)
  for (;;);
}

test('runs a function by its source, with cloned arguments', async () => {
  const result = await thread.run(
    (map: Map<string, number>, factor: number) =>
      new Map([...map].map(([key, value]) => [key, value * factor])),
    [new Map([['a', 2]]), 3],
  )
  expect(result).toEqual(new Map([['a', 6]]))
  async function asynchronous(this: unknown): Promise<[boolean, unknown]> {
    const { isMainThread } = await Promise.resolve(process.getBuiltinModule('node:worker_threads'))
    return [isMainThread, this]
  }
  expect(await thread.run(asynchronous, [])).toEqual([false, undefined])
})

test('runs an export of a module', async () => {
  expect(await thread.run<number>({ module }, [21])).toBe(42)
  expect(await thread.run({ module: module.href }, [4])).toBe(8)
  expect(await thread.run({ module: module.pathname }, [5])).toBe(10)
  await expect(thread.run({ module, name: 'none' })).rejects.toThrow(coded('CONCURRENCY_THREAD_NO_FUNCTION'))
  await expect(thread.run({ module, name: 'notAFunction' })).rejects.toThrow(
    /exports no function notAFunction/,
  )
  const missing = new URL('./no-such-module.ts', import.meta.url)
  await expect(thread.run({ module: missing })).rejects.toMatchObject({ code: 'ERR_MODULE_NOT_FOUND' })
})

test('rejects with the error of the function: class, name, message, stack, code and cause', async () => {
  const error = (await thread.run({ module, name: 'fail' }).catch((thrown: unknown) => thrown)) as Error
  expect(error).toMatchObject({ name: 'RemoteError', message: 'failed there', code: 'REMOTE' })
  expect(error.stack).toMatch(/thread-work\.ts/)
  expect(error.cause).toBeInstanceOf(RangeError)
  expect(error.cause).toMatchObject({ message: 'the cause' })
  const variable = 1
  await expect(thread.run(() => variable, [])).rejects.toBeInstanceOf(ReferenceError)
  await expect(
    thread.run(() => {
      // oxlint-disable-next-line no-throw-literal -- a thrown value that is no Error
      throw { some: 'value' }
    }, []),
  ).rejects.toEqual({ some: 'value' })
  const both = thread.run(
    () => Promise.any([Promise.reject(new Error('one')), Promise.reject(new Error('two'))]),
    [],
  )
  await expect(both).rejects.toMatchObject({ errors: [{ message: 'one' }, { message: 'two' }] })
})

test('moves what is to be transferred, in both directions', async () => {
  const array = new Uint8Array(1000).fill(1)
  const total = await thread.run((given: Uint8Array) => given.reduce((a, b) => a + b), [array], {
    transfer: [array.buffer],
  })
  expect(total).toBe(1000)
  expect(array.byteLength).toBe(0)
  await using pool = createThreadPool({ threads: 1 })
  const bytes = await pool.run<ReturnType<typeof work.bytes>>({ module, name: 'bytes' }, [3])
  expect(bytes).toEqual(new Uint8Array([7, 7, 7]))
  expect(await pool.run({ module, name: 'bytesLeft' })).toBe(0)
  expect(() => transfer(1, 2 as never)).toThrow(TypeError)
})

test('names an argument or a result that cannot be cloned, and goes on', async () => {
  const argument = one.run((value: unknown) => value, [() => 1])
  await expect(argument).rejects.toThrow(coded('CONCURRENCY_THREAD_NOT_CLONEABLE'))
  const result = one.run(function give() {
    return () => 1
  }, [])
  await expect(result).rejects.toThrow(/the result of give cannot be cloned/)
  await expect(one.run(() => 1, [], { transfer: [1 as never] })).rejects.toThrow(/cannot be cloned/)
  expect(await one.run(() => 1, [])).toBe(1)
  expect(one.stats()).toMatchObject({ started: 1, running: 0 })
})

test('refuses a function that cannot stand alone', async () => {
  const object = { method: (): number => 1, plain() {} }
  await expect(thread.run(Math.max, [1, 2])).rejects.toThrow(/native or bound/)
  await expect(thread.run(object.method.bind(object), [])).rejects.toThrow(/native or bound/)
  const { plain } = object as { plain: (this: void) => void }
  await expect(thread.run(plain, [])).rejects.toThrow(TypeError)
  await expect(thread.run(class {} as never, [])).rejects.toThrow(TypeError)
  await expect(thread.run(function* () {} as never, [])).rejects.toThrow(TypeError)
  await expect(thread.run(undefined as never, [])).rejects.toThrow(TypeError)
  await expect(thread.run({ module: './work.ts' }, [])).rejects.toThrow(/relative/)
  await expect(thread.run({ modul: module } as never, [])).rejects.toThrow(/module/)
})

test('runs as many calls at once as it has threads', async () => {
  await using pool = createThreadPool({ threads: 2, name: 'two' })
  /** Waits until two calls have begun; gives how many were running when it began, itself included. */
  const meet = (cells: Int32Array): number => {
    const running = Atomics.add(cells, 0, 1) + 1
    Atomics.add(cells, 1, 1)
    Atomics.notify(cells, 1)
    while (Atomics.load(cells, 1) < 2) Atomics.wait(cells, 1, 1)
    Atomics.sub(cells, 0, 1)
    return running
  }
  const cells = new Int32Array(new SharedArrayBuffer(8))
  const running = await Promise.all([1, 2, 3, 4].map(() => pool.run(meet, [cells])))
  expect(running).toContain(2)
  expect(Math.max(...running)).toBe(2)
  expect(pool.stats()).toEqual({
    name: 'two',
    threads: 2,
    running: 0,
    waiting: 0,
    alive: 2,
    idle: 2,
    started: 2,
    closed: false,
  })
  expect(Object.isFrozen(pool.stats())).toBe(true)
})

test('uses a thread again, in the order of asking', async () => {
  const counts = [1, 2, 3].map(() => one.run<number>({ module, name: 'count' }))
  expect(await Promise.all(counts)).toEqual([1, 2, 3])
})

test('lets a cancelled waiter leave the queue at once', async () => {
  await using pool = createThreadPool({ threads: 1 })
  const { cell, begun } = beginning()
  const stop = new AbortController()
  const running = pool.run(spin, [cell], { signal: stop.signal })
  await begun
  const leave = new AbortController()
  const waiting = pool.run(() => 1, [], { signal: leave.signal })
  const next = pool.run(() => 2, [])
  expect(pool.stats()).toMatchObject({ running: 1, waiting: 2 })
  leave.abort('a reason')
  await expect(waiting).rejects.toBe('a reason')
  expect(pool.stats()).toMatchObject({ running: 1, waiting: 1 })
  stop.abort('enough')
  await expect(running).rejects.toBe('enough')
  expect(await next).toBe(2)
})

test('ends the thread of a cancelled call, and returns when it is gone', async () => {
  await using pool = createThreadPool({ threads: 1 })
  const { cell, begun } = beginning()
  const controller = new AbortController()
  const reason = new Error('enough')
  const running = pool.run(spin, [cell], { signal: controller.signal })
  await begun
  expect(pool.stats()).toMatchObject({ alive: 1, started: 1 })
  controller.abort(reason)
  await expect(running).rejects.toBe(reason)
  expect(pool.stats()).toMatchObject({ alive: 0, running: 0, started: 1 })
  expect(await pool.run(() => 'again', [])).toBe('again')
  expect(pool.stats()).toMatchObject({ alive: 1, started: 2 })
})

test('really stops a function that takes longer than timeoutMs, not counting the wait for a thread', async () => {
  await using pool = createThreadPool({ threads: 1 })
  const first = pool.run(spin, [beginning().cell], { timeoutMs: 1000 })
  const second = pool.run(() => 'in time', [], { timeoutMs: 900 })
  await expect(first).rejects.toBeInstanceOf(TimeoutError)
  expect(await second).toBe('in time')
  expect(pool.stats()).toMatchObject({ started: 2, alive: 1 })
})

test('is cancelled with the scope that it runs in', async () => {
  await using pool = createThreadPool({ threads: 1 })
  const { cell } = beginning()
  await expect(failAfter(20, () => pool.run(spin, [cell]))).rejects.toBeInstanceOf(TimeoutError)
  const group = taskGroup(async (tasks) => {
    tasks.spawn(() => pool.run(spin, [beginning().cell]))
    throw new Error('the body failed')
  })
  await expect(group).rejects.toThrow('the body failed')
  expect(pool.stats()).toMatchObject({ running: 0, waiting: 0 })
})

test('names the call whose thread dies, and replaces the thread', async () => {
  await using pool = createThreadPool({ threads: 1, name: 'mortal' })
  const exit = pool.run(function leave() {
    process.exit(3)
  }, [])
  await expect(exit).rejects.toThrow(coded('CONCURRENCY_THREAD_DIED'))
  await expect(exit).rejects.toThrow(/thread 1 of mortal ended during leave with exit code 3/)
  const uncaught = pool.run(
    () =>
      new Promise(() => {
        setImmediate(() => {
          throw new RangeError('nobody catches')
        })
      }),
    [],
  )
  await expect(uncaught).rejects.toMatchObject({
    code: 'CONCURRENCY_THREAD_DIED',
    cause: { name: 'RangeError', message: 'nobody catches' },
  })
  expect(await pool.run(() => 1, [])).toBe(1)
  expect(pool.stats()).toMatchObject({ started: 3, alive: 1 })
})

// Deno knows no resourceLimits.
test.skipIf(onDeno)('survives a thread that runs out of memory', async () => {
  await using pool = createThreadPool({ threads: 1, resourceLimits: { maxOldGenerationSizeMb: 16 } })
  const greedy = pool.run(() => {
    const kept: unknown[] = []
    for (;;) kept.push(Array.from({ length: 1000 }, () => ({})))
  }, [])
  await expect(greedy).rejects.toMatchObject({
    code: 'CONCURRENCY_THREAD_DIED',
    cause: { code: 'ERR_WORKER_OUT_OF_MEMORY' },
  })
  expect(await pool.run(() => 1, [])).toBe(1)
})

test('refuses wrong options, with the nearest name', async () => {
  expect(() => createThreadPool({ threads: 0 })).toThrow(RangeError)
  expect(() => createThreadPool({ threads: 1.5 })).toThrow(RangeError)
  expect(() => createThreadPool({ idleMs: -1 })).toThrow(RangeError)
  expect(() => createThreadPool({ resourceLimits: 1 as never })).toThrow(TypeError)
  expect(() => createThreadPool({ thread: 1 } as never)).toThrow(/threads/)
  await expect(thread.run(() => 1, [], { timeout: 1 } as never)).rejects.toThrow(/timeoutMs/)
  await expect(thread.run(() => 1, [], { timeoutMs: Number.NaN })).rejects.toThrow(RangeError)
  await expect(thread.run(() => 1, 1 as never)).rejects.toThrow(TypeError)
  await expect(thread.run(() => 1, [], { transfer: 1 as never })).rejects.toThrow(TypeError)
  await expect(thread.run(() => 1, [], { portal: { a: 1 as never } })).rejects.toThrow(/portal\.a/)
})

test('starts nothing for a call that was cancelled before', async () => {
  await using pool = createThreadPool({ threads: 1 })
  await expect(pool.run(() => 1, [], { signal: AbortSignal.abort('a reason') })).rejects.toBe('a reason')
  expect(pool.stats()).toMatchObject({ started: 0 })
})
