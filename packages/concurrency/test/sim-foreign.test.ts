import { spawn } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { gzip } from 'node:zlib'
import { checkpoint, run, sim, sleep, taskGroup, withBackend } from '@ipfs-kit/concurrency'
import { describe, expect, test } from 'vitest'
import { onDeno } from './runtime.ts'

const here = fileURLToPath(import.meta.url)

/** Deno tells its async hooks of little else. */
const seenOnDeno = new Set(['setTimeout', 'setInterval', 'setImmediate', 'a connection'])

describe('a simulated run fails with the place where it began', () => {
  const begin: Record<string, () => unknown> = {
    setTimeout: () => setTimeout(() => undefined, 0),
    setInterval: () => {
      const timer = setInterval(() => undefined, 1)
      clearInterval(timer)
    },
    setImmediate: () => setImmediate(() => undefined),
    'AbortSignal.timeout': () => AbortSignal.timeout(1),
    'a file request': () => readFile(here),
    'a connection': () => connect(1, '127.0.0.1').on('error', () => undefined),
    'a server': () => {
      const server = createServer()
      server.listen(0, '127.0.0.1', () => server.close())
    },
    fetch: () => fetch('http://127.0.0.1:9999/').catch(() => undefined),
    'a name lookup': () => lookup('localhost'),
    'a worker': () => {
      const worker = new Worker('', { eval: true })
      return worker.terminate()
    },
    'a child process': () => spawn(process.execPath, ['-v'], { stdio: 'ignore' }),
    'a compression': () => gzip('text', () => undefined),
    'crypto of the web': () => crypto.subtle.digest('SHA-256', new Uint8Array(1)),
  }
  for (const [what, fn] of Object.entries(begin)) {
    test.skipIf(onDeno && !seenOnDeno.has(what))(what, async () => {
      let after: unknown
      const failed = withBackend(
        async () =>
          await taskGroup((group) => {
            group.spawn(async function worker() {
              await sleep(1)
              try {
                void fn()
                await sleep(1)
              } catch (error) {
                after = error
                throw error
              }
            })
          }),
        { backend: sim(1) },
      )
      const error = await failed.catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'CONCURRENCY_SIM_FOREIGN' })
      // Some things begin a tick after they were asked for: then the stack is that of the host.
      const later = what === 'a server' || what === 'fetch'
      expect((error as Error).message).toContain(later ? 'task "worker"' : 'sim-foreign.test.ts')
      // Everything in the run is cancelled with the failure.
      expect(after).toBe(error)
    })
  }

  test('also in a task, and in a function that the library does not call', async () => {
    const failed = withBackend(
      async () =>
        await taskGroup((group) => {
          group.spawn(async () => {
            await Promise.resolve()
            setTimeout(function late() {}, 0)
            await checkpoint()
          })
        }),
      { backend: sim(1) },
    )
    await expect(failed).rejects.toMatchObject({
      code: 'CONCURRENCY_SIM_FOREIGN',
      message: expect.stringContaining('(Timeout)') as string,
    })
  })
})

test('work that was begun before the run, or outside it, does not fail it', async () => {
  let ticks = 0
  let timer: NodeJS.Timeout | undefined
  const started = new Promise<void>((resolve) => {
    timer = setInterval(() => {
      ticks += 1
      setImmediate(resolve)
    }, 1)
  })
  const file = readFile(here)
  await file
  await started
  const length = await withBackend(
    async () => {
      for (let at = 0; at < 5000; at++) await checkpoint()
      await sleep(1000)
      return (await run(file)).length
    },
    { backend: sim(1) },
  )
  clearInterval(timer)
  expect(length).toBeGreaterThan(0)
  expect(ticks).toBeGreaterThan(0)
})

test('what the host gives at once is not seen: clocks, random numbers, synchronous files', async () => {
  await withBackend(
    async () => {
      expect(Date.now()).toBeGreaterThan(0)
      expect(performance.now()).toBeGreaterThan(0)
      expect(Math.random()).toBeLessThan(1)
      for (let at = 0; at < 300; at++) randomUUID()
      randomBytes(8)
      crypto.getRandomValues(new Uint8Array(8))
      readFileSync(here)
      await sleep(1)
    },
    { backend: sim(1) },
  )
})
