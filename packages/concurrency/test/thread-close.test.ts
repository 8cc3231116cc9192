import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { AbortError, checkpoint } from '@ipfs-kit/concurrency'
import { runProcess } from '@ipfs-kit/concurrency/node'
import { createThreadPool } from '@ipfs-kit/concurrency/thread'
import { expect, test } from 'vitest'
import { onDeno } from './runtime.ts'

test('cancels running and waiting calls when it is closed, and every thread is gone', async () => {
  const pool = createThreadPool({ threads: 1, name: 'closing' })
  const cell = new Int32Array(new SharedArrayBuffer(4))
  const begun = Atomics.waitAsync(cell, 0, 0).value
  const running = pool.run(
    (flag: Int32Array) => {
      Atomics.store(flag, 0, 1)
      Atomics.notify(flag, 0)
      for (;;);
    },
    [cell],
  )
  const waiting = pool.run(() => 1, [])
  const ended = Promise.allSettled([running, waiting])
  await begun
  await Promise.all([pool.close(), pool.close()])
  for (const outcome of await ended) {
    expect(outcome.status).toBe('rejected')
    const { reason } = outcome as PromiseRejectedResult
    expect(reason).toBeInstanceOf(AbortError)
    expect(reason).toMatchObject({
      source: 'shutdown',
      message: expect.stringContaining('closing') as string,
    })
  }
  expect(pool.stats()).toMatchObject({ closed: true, alive: 0, idle: 0, running: 0, waiting: 0 })
  await pool.close()
  await expect(pool.run(() => 1, [])).rejects.toMatchObject({ code: 'CONCURRENCY_THREAD_CLOSED' })
})

test('closes a pool whose threads are only starting, or were never started', async () => {
  await createThreadPool().close()
  const pool = createThreadPool({ threads: 2 })
  const starting = expect(pool.run(() => 1, [])).rejects.toBeInstanceOf(AbortError)
  await pool.close()
  await starting
  expect(pool.stats()).toMatchObject({ alive: 0 })
})

test('refuses to be closed by a portal of its own call, which would wait for itself', async () => {
  await using pool = createThreadPool({ threads: 1 })
  const call = pool.run(async (portal) => await portal.call('close'), [], {
    portal: { close: () => pool.close() },
  })
  await expect(call).rejects.toMatchObject({ code: 'CONCURRENCY_AWAITS_ITSELF' })
})

test('ends a thread that has no work for idleMs', async () => {
  await using pool = createThreadPool({ threads: 1, idleMs: 0 })
  await pool.run(() => 1, [])
  while (pool.stats().alive > 0) await checkpoint()
  expect(await pool.run(() => 1, [])).toBe(1)
  expect(pool.stats()).toMatchObject({ started: 2, idle: 0 })
})

// Deno runs no module that is given as text.
test.skipIf(onDeno)('holds a program open while a call runs, and no longer', async () => {
  const entry = pathToFileURL(join(import.meta.dirname, '../src/thread.ts')).href
  const script = `
    const { createThreadPool } = await import(${JSON.stringify(entry)})
    const pool = createThreadPool({ threads: 2, idleMs: 600_000 })
    const wait = () => new Promise((resolve) => setImmediate(resolve, 'done'))
    const bytes = async () => {
      const { transfer } = await import('@ipfs-kit/concurrency/thread')
      const { EOL } = await import('node:os')
      const array = new TextEncoder().encode(EOL)
      return transfer(array, [array.buffer])
    }
    console.log(await pool.run(wait, []), await pool.run(wait, []), (await pool.run(bytes, [])).length)
    console.log(pool.stats().idle)`
  const { stdout, stderr } = await runProcess(process.execPath, [
    '--conditions=@ipfs-kit/source',
    '--input-type=module',
    '-e',
    script,
  ])
  expect(new TextDecoder().decode(stderr)).toBe('')
  expect(new TextDecoder().decode(stdout)).toBe('done done 1\n1\n')
})
