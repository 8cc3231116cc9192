import { currentScope, sleep, TimeoutError } from '@ipfs-kit/concurrency'
import { createThreadPool, transfer, type Portal } from '@ipfs-kit/concurrency/thread'
import { afterAll, expect, test } from 'vitest'

const module = new URL('./thread-work.ts', import.meta.url)
const pool = createThreadPool({ threads: 1, name: 'portals' })
afterAll(() => pool.close())

test('lets a worker call into the program, waiting and standing still', async () => {
  const portal = { number: async (value: number) => await Promise.resolve(value * 10) }
  expect(await pool.run<number>({ module, name: 'sum' }, [], { portal })).toBe(30)
  const mixed = await pool.run(
    async (start: number, calls: Portal) => {
      const later = [1, 2, 3].map((value) => calls.call<number>('number', value))
      const now = calls.callSync<number>('number', 4)
      return [start, now, ...(await Promise.all(later))]
    },
    [5],
    { portal },
  )
  expect(mixed).toEqual([5, 40, 10, 20, 30])
})

test('gives errors of the program back to the worker', async () => {
  const portal = {
    fail: () => {
      throw Object.assign(new RangeError('refused'), { code: 'NO' })
    },
    uncloneable: () => () => 1,
  }
  const seen = await pool.run(
    async (calls: Portal) => {
      const describe = (error: unknown) => {
        const { name, message, code } = error as Error & { code: string }
        return [error instanceof RangeError, name, message, code]
      }
      const errors: unknown[] = [await calls.call('fail').catch(describe)]
      for (const name of ['fail', 'none', 'toString', 'uncloneable']) {
        try {
          calls.callSync(name)
        } catch (error) {
          errors.push(describe(error))
        }
      }
      errors.push(await calls.call('fail', () => 1).catch(describe))
      return errors
    },
    [],
    { portal },
  )
  const concurrency = (code: string) => [false, 'ConcurrencyError', expect.any(String), code]
  expect(seen).toEqual([
    [true, 'RangeError', 'refused', 'NO'],
    [true, 'RangeError', 'refused', 'NO'],
    concurrency('CONCURRENCY_THREAD_PORTAL_UNKNOWN'),
    concurrency('CONCURRENCY_THREAD_PORTAL_UNKNOWN'),
    concurrency('CONCURRENCY_THREAD_NOT_CLONEABLE'),
    concurrency('CONCURRENCY_THREAD_NOT_CLONEABLE'),
  ])
})

test('runs the functions of a portal as tasks of the call, which end before it returns', async () => {
  const log: string[] = []
  const portal = {
    log: async (text: string) => {
      await sleep(1)
      log.push(`${text} in ${currentScope().name}`)
    },
  }
  await pool.run(
    function note(calls: Portal) {
      void calls.call('log', 'one')
      void calls.call('log', 'two')
    },
    [],
    { portal },
  )
  expect(log).toEqual(['one in portal log', 'two in portal log'])
})

test('cancels the functions of its portal with the call, also while the worker stands still', async () => {
  for (const how of ['call', 'callSync'] as const) {
    const controller = new AbortController()
    let rejected: unknown
    const portal = {
      wait: async () => {
        const waiting = sleep(Infinity).catch((error: unknown) => {
          rejected = error
          throw error
        })
        controller.abort('enough')
        await waiting
      },
    }
    const running = pool.run(
      async (name: 'call' | 'callSync', calls: Portal) => await calls[name]('wait'),
      [how],
      {
        portal,
        signal: controller.signal,
      },
    )
    await expect(running).rejects.toBe('enough')
    expect(rejected).toBe('enough')
  }
})

test('cancels the functions of its portal when the time is over', async () => {
  let isCalled = false
  let rejected: unknown
  const portal = {
    wait: () => {
      isCalled = true
      return sleep(Infinity).catch((error: unknown) => {
        rejected = error
        throw error
      })
    },
  }
  // On a busy machine the time may be over before the call has come here.
  for (let timeoutMs = 30; !isCalled; timeoutMs *= 2) {
    const running = pool.run((calls: Portal) => calls.callSync('wait'), [], { portal, timeoutMs })
    await expect(running).rejects.toBeInstanceOf(TimeoutError)
  }
  expect(rejected).toBeInstanceOf(Error)
})

test('moves a result of a portal that is to be transferred', async () => {
  const array = new Uint8Array([1, 2, 3])
  const portal = { bytes: () => transfer(array, [array.buffer]) }
  const sum = await pool.run(
    (calls: Portal) => calls.callSync<Uint8Array>('bytes').reduce((a, b) => a + b),
    [],
    { portal },
  )
  expect(sum).toBe(6)
  expect(array.byteLength).toBe(0)
})

test('refuses a portal call after the call has ended, and more than 1,024 at once', async () => {
  const late = await pool.run(
    (calls: Portal) => {
      Object.assign(globalThis, { kept: calls })
    },
    [],
    { portal: { a: () => 1 } },
  )
  expect(late).toBeUndefined()
  const after = pool.run(() => (globalThis as unknown as { kept: Portal }).kept.callSync('a'), [])
  await expect(after).rejects.toMatchObject({ code: 'CONCURRENCY_THREAD_PORTAL_CLOSED' })
  const many = pool.run(
    async (calls: Portal) => {
      const all = Array.from({ length: 1026 }, () =>
        calls.call('a').catch((error: { code: string }) => error.code),
      )
      return (await Promise.all(all)).slice(1023)
    },
    [],
    { portal: { a: () => 1 } },
  )
  expect(await many).toEqual([1, 'CONCURRENCY_THREAD_PORTAL_FULL', 'CONCURRENCY_THREAD_PORTAL_FULL'])
})
