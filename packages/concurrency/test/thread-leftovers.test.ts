/** What a function leaves behind on its thread when it has returned. */
import { checkpoint } from '@ipfs-kit/concurrency'
import { createThreadPool, thread } from '@ipfs-kit/concurrency/thread'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { onDeno } from './runtime.ts'

/** Warnings that the pool gave. Each test takes what it expects. */
const warnings: (Error & { readonly code?: string; readonly detail?: string })[] = []
const listen = (warning: Error) => {
  if (warning.name === 'ThreadWarning') warnings.push(warning)
}
beforeEach(() => void process.on('warning', listen))
afterEach(() => {
  process.off('warning', listen)
  expect(warnings.splice(0)).toEqual([])
})

/** Waits until a warning was given, and takes it. */
async function warned() {
  while (warnings.length === 0) await checkpoint()
  return warnings.shift()!
}

/** Raises the cell, and lets the event loop of its thread turn before it returns. */
const raise = async (cell: Int32Array): Promise<string> => {
  Atomics.store(cell, 0, 1)
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
  return 'innocent'
}
const cellOf = () => new Int32Array(new SharedArrayBuffer(4))

test.skipIf(onDeno)(
  'an error that a call left behind does not reach the next call, and its thread is replaced',
  async () => {
    await using pool = createThreadPool({ threads: 1, name: 'late' })
    const cell = cellOf()
    await pool.run(
      function careless(flag: Int32Array) {
        const fail = () => {
          if (Atomics.load(flag, 0) === 1) throw new RangeError('from the call before')
          setImmediate(fail)
        }
        fail()
      },
      [cell],
    )
    expect(await pool.run(raise, [cell])).toBe('innocent')
    const warning = await warned()
    expect(warning).toMatchObject({ code: 'CONCURRENCY_THREAD_LATE' })
    expect(warning.message).toBe(
      'careless left something behind in thread 1 of late that failed after its end: from the call before',
    )
    expect(warning.detail).toContain('RangeError: from the call before')
    expect(await pool.run(() => 'on another thread', [])).toBe('on another thread')
    expect(pool.stats()).toMatchObject({ started: 2 })
  },
)

test('a rejection that a call left behind ends an idle thread, and the program is told whose it was', async () => {
  await using pool = createThreadPool({ threads: 1, name: 'idle' })
  await pool.run(function floating() {
    setImmediate(() => void Promise.reject(new Error('nobody waits')))
  }, [])
  const { message } = await warned()
  expect(message).toMatch(/^floating left something behind .*: nobody waits$/)
  expect(await pool.run(() => 'on another thread', [])).toBe('on another thread')
  expect(pool.stats()).toMatchObject({ started: 2 })
})

test('names the call that left an exit behind', async () => {
  await using pool = createThreadPool({ threads: 1, name: 'leaving' })
  const cell = cellOf()
  await pool.run(
    function careless(flag: Int32Array) {
      const leave = () => (Atomics.load(flag, 0) === 1 ? process.exit(3) : setImmediate(leave))
      leave()
    },
    [cell],
  )
  const next = pool.run(
    async function innocent(cell: Int32Array) {
      Atomics.store(cell, 0, 1)
      await new Promise(() => undefined)
    },
    [cell],
  )
  await expect(next).rejects.toMatchObject({
    code: 'CONCURRENCY_THREAD_DIED',
    message:
      'thread 1 of leaving ended during innocent with exit code 3, by what careless left behind, an earlier call',
  })
})

test('a listener of the function for uncaught errors is left to its work', async () => {
  await using pool = createThreadPool({ threads: 1 })
  const caught = await pool.run(
    () =>
      new Promise<string>((resolve) => {
        process.once('uncaughtException', (error) => resolve(error.message))
        setImmediate(() => {
          throw new Error('seen')
        })
      }),
    [],
  )
  expect(caught).toBe('seen')
})

test('what a function posts to its parent answers no call', async () => {
  await using pool = createThreadPool({ threads: 1 })
  const spoof = async () => {
    const { parentPort } = process.getBuiltinModule('node:worker_threads')
    for (const message of [
      { type: 'done', value: 'spoof' },
      { type: 'answer', id: 1, outcome: { type: 'done', value: 'spoof' } },
    ]) {
      parentPort!.postMessage(message)
    }
    for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve))
    return 'real'
  }
  expect(await pool.run(spoof, [])).toBe('real')
  expect(await pool.run(() => 'second', [])).toBe('second')
  expect(pool.stats()).toMatchObject({ started: 1 })
})

test('an error that throws when it is read fails its call and no thread', async () => {
  await using pool = createThreadPool({ threads: 1 })
  const trapped = pool.run(() => {
    const error = new RangeError('the message')
    for (const key of ['code', 'cause', 'stack', 'name']) {
      Object.defineProperty(error, key, {
        get() {
          throw new Error('trap')
        },
      })
    }
    throw error
  }, [])
  await expect(trapped).rejects.toMatchObject({ message: 'the message' })
  const proxy = pool.run(() => {
    const trap = () => {
      throw new Error('trap')
    }
    // oxlint-disable-next-line no-throw-literal -- a thrown value that is no Error
    throw new Proxy({}, { get: trap, has: trap, getPrototypeOf: trap, ownKeys: trap })
  }, [])
  await expect(proxy).rejects.toBe('something that cannot be cloned: object')
  const getter = pool.run(() => {
    // oxlint-disable-next-line no-throw-literal -- a thrown value that is no Error
    throw {
      get value() {
        throw new Error('trap')
      },
    }
  }, [])
  await expect(getter).rejects.toBe('something that cannot be cloned: object')
  const odd = pool.run(() => {
    throw Object.assign(new Error('x'), { message: () => 1, errors: 1 })
  }, [])
  await expect(odd).rejects.toMatchObject({ name: 'Error', message: '' })
  expect(pool.stats()).toMatchObject({ started: 1 })
})

test('a result that throws when it is read fails its call and no thread, here and in a portal', async () => {
  const hostile = () =>
    new Proxy(
      {},
      {
        get: () => undefined,
        has() {
          throw new Error('trap')
        },
      },
    )
  await using pool = createThreadPool({ threads: 1 })
  await expect(pool.run(hostile, [])).rejects.toThrow('trap')
  const seen = await pool.run(
    (portal) => portal.call('hostile').catch((error: unknown) => (error as Error).message),
    [],
    { portal: { hostile } },
  )
  expect(seen).toBe('trap')
  expect(pool.stats()).toMatchObject({ started: 1 })
})

test('a cause that leads back to its error comes to an end', async () => {
  const call = thread.run(() => {
    const error = new Error('round')
    error.cause = error
    throw error
  }, [])
  await expect(call).rejects.toMatchObject({ message: 'round', cause: { message: 'round' } })
})
