import { failAfter, taskGroup, TimeoutError } from '@ipfs-kit/concurrency'
import { openProcess, signals } from '@ipfs-kit/concurrency/node'
import { expect, test } from 'vitest'
import { lines } from './living.ts'
import { program } from './runtime.ts'

test('gives signals in the order in which they come', async () => {
  using received = signals(['SIGUSR1', 'SIGUSR2'])
  const first = received.next()
  process.kill(process.pid, 'SIGUSR2')
  expect(await first).toEqual({ done: false, value: 'SIGUSR2' })
  const second = received.next()
  process.kill(process.pid, 'SIGUSR1')
  expect(await second).toEqual({ done: false, value: 'SIGUSR1' })
})

test('keeps a signal that nobody waits for, once for each name', async () => {
  using received = signals(['SIGUSR2', 'SIGWINCH'])
  for (const name of ['SIGUSR2', 'SIGWINCH', 'SIGUSR2'] as const) {
    const came = new Promise((resolve) => process.once(name, resolve))
    process.kill(process.pid, name)
    await came
  }
  expect((await received.next()).value).toBe('SIGUSR2')
  expect((await received.next()).value).toBe('SIGWINCH')
  await expect(failAfter(5, () => received.next())).rejects.toBeInstanceOf(TimeoutError)
})

test('does not lose a signal to a wait that was cancelled', async () => {
  using received = signals(['SIGUSR2'])
  await expect(received.next({ signal: AbortSignal.abort('a reason') })).rejects.toBe('a reason')
  await expect(failAfter(5, () => received.next())).rejects.toBeInstanceOf(TimeoutError)
  const next = received.next()
  process.kill(process.pid, 'SIGUSR2')
  expect((await next).value).toBe('SIGUSR2')
})

test('is iterated, and listens no more when the loop is left', async () => {
  const before = process.listenerCount('SIGUSR2')
  let count = 0
  await taskGroup(async (group) => {
    const received = signals(['SIGUSR2', 'SIGUSR2'])
    expect(process.listenerCount('SIGUSR2')).toBe(before + 1)
    group.spawn(async () => {
      for await (const name of received) {
        expect(name).toBe('SIGUSR2')
        count += 1
        if (count === 2) break
        process.kill(process.pid, 'SIGUSR2')
      }
    })
    process.kill(process.pid, 'SIGUSR2')
  })
  expect(count).toBe(2)
  expect(process.listenerCount('SIGUSR2')).toBe(before)
})

test('ends those who wait when it is disposed of, and stays ended', async () => {
  const received = signals(['SIGUSR2'])
  const waiting = [received.next(), received.next()]
  received[Symbol.dispose]()
  received[Symbol.dispose]()
  expect(await Promise.all(waiting)).toEqual([
    { done: true, value: undefined },
    { done: true, value: undefined },
  ])
  expect((await received.next()).done).toBe(true)
})

test('refuses names that are none, and those that a program cannot see', () => {
  expect(() => signals([])).toThrow(TypeError)
  expect(() => signals(['SIGNONE' as never])).toThrow(TypeError)
  expect(() => signals(['SIGKILL'])).toThrow(TypeError)
  expect(() => signals('SIGINT' as never)).toThrow(TypeError)
})

test('holds a program open while it waits for SIGINT or SIGTERM, and no longer', async () => {
  await using child = await openProcess(process.execPath, [
    '--conditions=@ipfs-kit/source',
    program('wait-for-signal'),
  ])
  const out = lines(child.stdout)
  expect((await out.next()).value).toBe('ready')
  process.kill(child.pid, 'SIGTERM')
  expect((await out.next()).value).toBe('SIGTERM')
  expect(await child.wait()).toEqual({ exitCode: 0, signal: null })
})
