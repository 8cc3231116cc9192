import diagnosticsChannel from 'node:diagnostics_channel'
import { cancelScope } from '@ipfs-kit/concurrency'
import { createParts, type Parts, type PartStatus } from '@ipfs-kit/kit'
import { expect, onTestFinished, test } from 'vitest'

/** A part that tells when it is closed, and closes when it may. */
class Door implements AsyncDisposable {
  closed = 0
  readonly #closing: () => Promise<void> | void

  constructor(closing: () => Promise<void> | void = () => {}) {
    this.#closing = closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.closed += 1
    await this.#closing()
  }
}

function newParts(graceMs = 10_000): Parts {
  const parts = createParts({ graceMs })
  onTestFinished(() => parts.close().catch(() => {}))
  return parts
}

/** Uses parts until they are taken away; answers the reason. */
async function use(parts: Parts, names: readonly string[]): Promise<unknown> {
  const borrowed = parts.borrow(names)
  const { promise, resolve } = Promise.withResolvers<void>()
  borrowed.signal.addEventListener('abort', () => resolve())
  await promise
  borrowed.release()
  return borrowed.signal.reason
}

function statusOf(parts: Parts, name: string): PartStatus | undefined {
  return parts.list().find((part) => part.name === name)
}

test('lists what is open, in order, and lends it', async () => {
  const parts = newParts()
  const a = await parts.open('a', async () => new Door())
  const b = await parts.open('b', async () => new Door())
  expect(parts.list().map(({ name, state, restarts }) => ({ name, state, restarts }))).toEqual([
    { name: 'a', state: 'running', restarts: 0 },
    { name: 'b', state: 'running', restarts: 0 },
  ])
  expect(parts.current('a')).toBe(a)
  const borrowed = parts.borrow(['b'])
  expect(borrowed.parts).toEqual({ b })
  expect(borrowed.signal.aborted).toBe(false)
  borrowed.release()
  borrowed.release()
})

test('knows no other names', async () => {
  const parts = newParts()
  await parts.open('a', async () => new Door())
  const expected = { code: 'KIT_PART_UNKNOWN', message: 'There is no part "x"; there are: a' }
  expect(() => parts.current('x')).toThrow(expect.objectContaining(expected))
  expect(() => parts.borrow(['a', 'x'])).toThrow(expect.objectContaining(expected))
  await expect(parts.restart('x')).rejects.toMatchObject(expected)
  await expect(parts.open('a', async () => new Door())).rejects.toThrow(TypeError)
})

test('restarts a part under running calls, and leaves other parts and their calls alone', async () => {
  const parts = newParts()
  const [first, second] = [new Door(), new Door()]
  const openings = [first, second]
  await parts.open('a', async () => openings.shift() ?? new Door())
  await parts.open('b', async () => new Door())
  const running = [use(parts, ['a']), use(parts, ['a', 'b'])]
  const other = parts.borrow(['b'])

  const status = await parts.restart('a')

  expect(status).toMatchObject({ name: 'a', state: 'running', restarts: 1, abandonedCalls: 0 })
  for (const reason of await Promise.all(running)) {
    expect(reason).toMatchObject({ code: 'KIT_PART_UNAVAILABLE', kind: 'temporary' })
  }
  expect(first.closed).toBe(1)
  expect(parts.current('a')).toBe(second)
  expect(other.signal.aborted).toBe(false)
  other.release()
})

test('waits for a cancelled call to end before it closes the part', async () => {
  const parts = newParts()
  const door = new Door()
  await parts.open('a', async () => door)
  const borrowed = parts.borrow(['a'])
  const restarting = parts.restart('a')
  expect(borrowed.signal.aborted).toBe(true)
  expect(statusOf(parts, 'a')?.state).toBe('restarting')
  expect(door.closed).toBe(0)
  borrowed.release()
  await restarting
  expect(door.closed).toBe(1)
})

test('refuses new calls while it restarts', async () => {
  const parts = newParts()
  const { promise, resolve } = Promise.withResolvers<void>()
  await parts.open('a', async () => new Door(() => promise))
  const restarting = parts.restart('a')
  const refused = { code: 'KIT_PART_UNAVAILABLE', message: 'The part a is restarting now' }
  expect(() => parts.borrow(['a'])).toThrow(expect.objectContaining(refused))
  expect(() => parts.current('a')).toThrow(expect.objectContaining(refused))
  resolve()
  await restarting
  parts.borrow(['a']).release()
})

test('goes on without a call that does not end in its grace time, and counts it', async () => {
  const parts = newParts(0)
  await parts.open('a', async () => new Door())
  const stubborn = parts.borrow(['a'])
  expect(await parts.restart('a')).toMatchObject({ state: 'running', restarts: 1, abandonedCalls: 1 })
  // Its late end does not disturb the calls of the new instance.
  const next = parts.borrow(['a'])
  stubborn.release()
  expect(next.signal.aborted).toBe(false)
  next.release()
})

test('joins two restarts at once', async () => {
  const parts = newParts()
  let openings = 0
  await parts.open('a', async () => {
    openings += 1
    return new Door()
  })
  const [one, two] = await Promise.all([parts.restart('a'), parts.restart('a')])
  expect(one).toBe(two)
  expect(openings).toBe(2)
  expect(await parts.restart('a')).toMatchObject({ restarts: 2 })
})

test('goes on with a restart for which nobody waits any more', async () => {
  const parts = newParts()
  const { promise: mayClose, resolve: letClose } = Promise.withResolvers<void>()
  await parts.open('a', async () => new Door(() => mayClose))
  const asked = cancelScope(async (scope) => {
    const restarting = parts.restart('a')
    scope.cancel()
    return await restarting
  })
  expect(await asked).toBeUndefined()
  expect(statusOf(parts, 'a')?.state).toBe('restarting')
  letClose()
  expect(await parts.restart('a')).toMatchObject({ state: 'running', restarts: 1 })
})

test('is failed when it cannot be opened again, with the code; others go on; a restart can be tried again', async () => {
  const parts = newParts()
  let failure: Error | undefined
  await parts.open('a', async () => {
    if (failure !== undefined) throw failure
    return new Door()
  })
  await parts.open('b', async () => new Door())
  failure = Object.assign(new Error('no room'), { code: 'A_FULL' })
  expect(await parts.restart('a')).toMatchObject({
    state: 'failed',
    restarts: 0,
    error: { code: 'A_FULL', message: 'no room' },
  })
  expect(() => parts.borrow(['a'])).toThrow('The part a is failed now (A_FULL: no room)')
  parts.borrow(['b']).release()
  failure = undefined
  const again = await parts.restart('a')
  expect(again).toMatchObject({ state: 'running', restarts: 1 })
  expect(again).not.toHaveProperty('error')
})

test('is failed when it does not close in time, and runs again after a restart that sees the end', async () => {
  const parts = newParts(0)
  const { promise, resolve } = Promise.withResolvers<void>()
  const stuck = new Door(() => promise)
  const openings = [stuck, new Door()]
  await parts.open('a', async () => openings.shift() ?? new Door())
  expect(await parts.restart('a')).toMatchObject({ state: 'failed', error: { code: 'KIT_PART_STUCK' } })
  expect(openings).toHaveLength(1)
  resolve()
  await promise
  expect(await parts.restart('a')).toMatchObject({ state: 'running' })
  expect(stuck.closed).toBe(1)
})

test('is failed when closing fails, and closing is tried again', async () => {
  const parts = newParts()
  const failures = [new Error('first')]
  const door = new Door(() => {
    const failure = failures.shift()
    if (failure !== undefined) throw failure
  })
  await parts.open('a', async () => door)
  expect(await parts.restart('a')).toMatchObject({ state: 'failed', error: { message: 'first' } })
  expect(await parts.restart('a')).toMatchObject({ state: 'running' })
  expect(door.closed).toBe(2)
})

test('passes on the error of the first opening and lists the part as failed', async () => {
  const parts = newParts()
  const error = new Error('broken')
  await expect(parts.open('a', () => Promise.reject(error))).rejects.toBe(error)
  expect(statusOf(parts, 'a')).toMatchObject({ state: 'failed', error: { message: 'broken' } })
})

test('closes all in reverse order once, with running calls cancelled', async () => {
  const parts = createParts()
  const closed: string[] = []
  for (const name of ['a', 'b', 'c']) {
    await parts.open(name, async () => new Door(() => void closed.push(name)))
  }
  const running = use(parts, ['b'])
  const alone = parts.borrow([])
  await Promise.all([parts.close(), parts.close()])
  expect(closed).toEqual(['c', 'b', 'a'])
  expect(await running).toMatchObject({ code: 'KIT_PART_UNAVAILABLE' })
  expect(alone.signal.reason).toMatchObject({ code: 'KIT_CLOSED' })
  expect(parts.list().map((part) => part.state)).toEqual(['closed', 'closed', 'closed'])
  expect(() => parts.borrow([])).toThrow(expect.objectContaining({ code: 'KIT_CLOSED' }))
  expect(() => parts.current('a')).toThrow(expect.objectContaining({ code: 'KIT_PART_UNAVAILABLE' }))
  await expect(parts.restart('a')).rejects.toMatchObject({ code: 'KIT_CLOSED' })
  await expect(parts.open('d', async () => new Door())).rejects.toMatchObject({ code: 'KIT_CLOSED' })
})

test('closes what a restart was opening, and ends an opening that waits', async () => {
  const parts = createParts()
  const reopened = new Door()
  const { promise, resolve } = Promise.withResolvers<Door>()
  let isFirst = true
  await parts.open('a', () => {
    if (!isFirst) return promise
    isFirst = false
    return Promise.resolve(new Door())
  })
  const restarting = parts.restart('a')
  const opening = parts.open('b', (signal) => {
    const waiting = Promise.withResolvers<Door>()
    signal.addEventListener('abort', () => waiting.reject(signal.reason))
    return waiting.promise
  })
  const ended = expect(opening).rejects.toMatchObject({ code: 'KIT_CLOSED' })
  const closing = parts.close()
  resolve(reopened)
  await Promise.all([closing, ended])
  expect(await restarting).toMatchObject({ state: 'failed' })
  expect(reopened.closed).toBe(1)
  expect(parts.list().map((part) => part.state)).toEqual(['closed', 'closed'])
})

test('closes the others when one does not close, and tells', async () => {
  const parts = createParts({ graceMs: 0 })
  const first = new Door()
  await parts.open('a', async () => first)
  await parts.open('b', async () => new Door(() => Promise.withResolvers<void>().promise))
  await expect(parts.close()).rejects.toMatchObject({
    code: 'KIT_PART_STUCK',
    message: 'The part b has not closed within 0 ms',
  })
  expect(first.closed).toBe(1)
  expect(parts.list().map((part) => part.state)).toEqual(['closed', 'failed'])
})

test('lends what is opened again to who waits for that', async () => {
  const ended = Promise.withResolvers<void>()
  const parts = newParts()
  await parts.open('a', async () => new Door(() => ended.promise))
  const restarted = parts.restart('a')
  const abort = new AbortController()
  const reason = new Error('left')
  const left = cancelScope(() => parts.borrowSettled(['a']), { signal: abort.signal })
  abort.abort(reason)
  await expect(left).rejects.toBe(reason)
  const waiting = parts.borrowSettled(['a'])
  expect(() => parts.borrow(['a'])).toThrow('restarting')
  ended.resolve()
  const borrowed = await waiting
  expect(await restarted).toMatchObject({ state: 'running' })
  expect(borrowed.parts['a']).toBe(parts.current('a'))
  borrowed.release()
  await expect(parts.borrowSettled(['b'])).rejects.toMatchObject({ code: 'KIT_PART_UNKNOWN' })
})

test('tells who waits for a part that it could not be opened again', async () => {
  const parts = newParts()
  let isBroken = false
  await parts.open('a', async () => {
    if (isBroken) throw new Error('broken')
    return new Door()
  })
  isBroken = true
  const restarted = parts.restart('a')
  await expect(parts.borrowSettled(['a'])).rejects.toMatchObject({
    code: 'KIT_PART_UNAVAILABLE',
    message: expect.stringContaining('broken') as string,
  })
  expect(await restarted).toMatchObject({ state: 'failed' })
})

test('publishes each change of a state', async () => {
  const seen: string[] = []
  const listen = (message: unknown): void => {
    const { name, state, restarts } = message as PartStatus
    seen.push(`${name} ${state} ${restarts}`)
  }
  diagnosticsChannel.subscribe('kit:part', listen)
  onTestFinished(() => void diagnosticsChannel.unsubscribe('kit:part', listen))
  const parts = createParts()
  await parts.open('a', async () => new Door())
  await parts.restart('a')
  let isBroken = true
  await parts
    .open('b', async () => {
      if (isBroken) throw new Error('broken')
      return new Door()
    })
    .catch(() => {})
  await parts.restart('b')
  isBroken = false
  await parts.restart('b')
  await parts.close()
  expect(seen).toEqual([
    ...['a running 0', 'a restarting 0', 'a running 1'],
    ...['b failed 0', 'b restarting 0', 'b failed 0', 'b restarting 0', 'b running 1'],
    ...['b closed 1', 'a closed 1'],
  ])
})

test.each([-1, Number.NaN, Infinity])('refuses the grace time %d', (graceMs) => {
  expect(() => createParts({ graceMs })).toThrow(RangeError)
})
