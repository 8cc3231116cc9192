import diagnosticsChannel from 'node:diagnostics_channel'
import { once } from 'node:events'
import { createCaller, operation, OperationError } from '@ipfs-kit/operations'
import type {
  AnyOperation,
  BorrowedParts,
  CallRecord,
  FileEntry,
  LocalCaller,
  TableOf,
} from '@ipfs-kit/operations'
import { describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const value of values) all.push(value)
  return all
}

interface Counter {
  readonly add: (by: number) => number
}

const add = operation<{ counter: Counter }>()({
  name: 'counter.add',
  summary: 'Add to the counter.',
  parts: ['counter'],
  input: z.object({ by: z.int().default(1) }),
  output: z.object({ value: z.number() }),
  body: 'none',
  returns: 'value',
  effect: 'write',
  scope: 'content:write',
  run: async ({ counter }, { by }) => ({ value: counter.add(by) }),
})
const count = operation<object>()({
  name: 'counter.count',
  summary: 'Count up.',
  parts: [],
  input: z.object({ to: z.int(), failAt: z.int().optional() }),
  output: z.object({ n: z.number() }),
  body: 'none',
  returns: 'lines',
  effect: 'read',
  scope: 'content:read',
  async *run(_parts, { to, failAt }) {
    for (let n = 1; n <= to; n += 1) {
      if (n === failAt) throw new Error('out of numbers')
      yield { n }
    }
  },
})
const wait = operation<object>()({
  name: 'counter.wait',
  summary: 'Wait until it is cancelled.',
  parts: [],
  input: z.object({}),
  output: z.object({}),
  body: 'none',
  returns: 'value',
  effect: 'read',
  scope: 'content:read',
  async run(_parts, _input, { signal }) {
    await once(signal, 'abort')
    throw signal.reason
  },
})
const size = operation<object>()({
  name: 'body.size',
  summary: 'Measure a body.',
  parts: [],
  input: z.object({}),
  output: z.object({ bytes: z.number() }),
  body: 'bytes',
  returns: 'value',
  effect: 'read',
  scope: 'content:read',
  doors: [],
  async run(_parts, _input, { progress }, body) {
    let bytes = 0
    for await (const piece of body) {
      bytes += piece.length
      progress({ stage: 'reading', bytes })
    }
    return { bytes }
  },
})
const names = operation<object>()({
  name: 'body.names',
  summary: 'Name files.',
  parts: [],
  input: z.object({}),
  output: z.array(z.string()),
  body: 'files',
  returns: 'value',
  effect: 'read',
  scope: 'content:read',
  doors: [],
  run: async (_parts, _input, _context, body) => (await collect(body)).map(({ path }) => path),
})
const repeat = operation<object>()({
  name: 'body.repeat',
  summary: 'Repeat a byte.',
  parts: [],
  input: z.object({ times: z.int() }),
  output: z.never(),
  body: 'none',
  returns: 'bytes',
  effect: 'read',
  scope: 'content:read',
  doors: [],
  async run(_parts, { times }) {
    const pieces = async function* (): AsyncGenerator<Uint8Array> {
      for (let n = 0; n < times; n += 1) yield Uint8Array.of(n)
    }
    return { mediaType: 'application/octet-stream', size: times, body: pieces() }
  },
})
const all = [add, count, wait, size, names, repeat] as const

interface Lent {
  readonly caller: LocalCaller<TableOf<typeof all>>
  /** Parts that are out. */
  readonly out: () => number
  /** Takes the parts away. */
  readonly withdraw: () => void
}

function lend(operations: readonly AnyOperation[] = all): Lent {
  let value = 0
  let out = 0
  const withdrawal = new AbortController()
  const borrow = (names: readonly string[]): BorrowedParts => {
    out += 1
    const counter: Counter = { add: (by) => (value += by) }
    return {
      parts: names.includes('counter') ? { counter } : {},
      signal: withdrawal.signal,
      release: () => {
        out -= 1
      },
    }
  }
  return {
    caller: createCaller({ operations, borrow }),
    out: () => out,
    withdraw: () => withdrawal.abort(new DOMException('The part is going away', 'AbortError')),
  }
}

function listen(): CallRecord[] {
  const records: CallRecord[] = []
  const subscriber = (record: unknown): void => void records.push(record as CallRecord)
  diagnosticsChannel.subscribe('operations:call', subscriber)
  onTestFinished(() => void diagnosticsChannel.unsubscribe('operations:call', subscriber))
  return records
}

describe('a call', () => {
  test('runs with the parts that the entry names and the defaults of its input', async () => {
    const { caller, out } = lend()
    expect(await caller.call('counter.add', {})).toEqual({ value: 1 })
    expect(await caller.call('counter.add', { by: 5 })).toEqual({ value: 6 })
    expect(out()).toBe(0)
  })

  test('refuses an unknown name, an input that does not fit, and unknown keys', async () => {
    const { caller, out } = lend()
    const cases = [
      ['counter.none', {}, 'OPERATION_UNKNOWN'],
      ['counter.add', { by: 'x' }, 'OPERATION_INVALID_INPUT'],
      ['counter.add', { bye: 1 }, 'OPERATION_INVALID_INPUT'],
      ['counter.count', undefined, 'OPERATION_INVALID_INPUT'],
    ] as const
    for (const [name, input, code] of cases) {
      await expect(caller.callAs('id', name, input)).rejects.toMatchObject({ code })
    }
    expect(out()).toBe(0)
  })

  test('names what is wrong with the input', async () => {
    const { caller } = lend()
    await expect(caller.callAs('id', 'counter.count', { to: 1.5 })).rejects.toThrow(/^counter\.count: to: /)
  })

  test('passes faults on and hides other errors behind OPERATION_INTERNAL', async () => {
    const { caller } = lend()
    const lines = await caller.call('counter.count', { to: 3, failAt: 2 })
    const error: unknown = await collect(lines).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'OPERATION_INTERNAL', cause: { message: 'out of numbers' } })
    expect((error as Error).message).not.toContain('out of numbers')
  })

  test('lets go of parts that go away while its reader asks for nothing, and tells it then', async () => {
    const { caller, out, withdraw } = lend()
    const lines = await caller.call('counter.count', { to: 3 })
    const reader = lines[Symbol.asyncIterator]()
    expect(await reader.next()).toMatchObject({ value: { n: 1 } })
    expect(out()).toBe(1)
    withdraw()
    await expect.poll(out, { interval: 1 }).toBe(0)
    await expect(reader.next()).rejects.toThrow(/unexpectedly|going away/)
  })

  test('is refused for two entries of one name', () => {
    expect(() => lend([add, add])).toThrow(/counter\.add/)
  })

  test('fails with the fault of parts that are not available', async () => {
    const fault = Object.assign(new Error('It restarts'), {
      code: 'PART_DOWN',
      kind: 'temporary',
      next: 'Wait.',
    })
    const caller = createCaller<TableOf<typeof all>>({
      operations: all,
      borrow: () => {
        throw fault
      },
    })
    await expect(caller.call('counter.add', {})).rejects.toBe(fault)
  })
})

describe('parts that are opened for a call', () => {
  test('are lent when they are open, and given back at once when the caller has left by then', async () => {
    let out = 0
    const opening = Promise.withResolvers<void>()
    const caller = createCaller<TableOf<typeof all>>({
      operations: all,
      borrow: async () => {
        await opening.promise
        out += 1
        const parts = { counter: { add: (by: number) => by } }
        return { parts, signal: new AbortController().signal, release: () => void (out -= 1) }
      },
    })
    const controller = new AbortController()
    const reason = new Error('enough')
    const leaves = caller.call('counter.add', { by: 1 }, { signal: controller.signal })
    const waits = caller.call('counter.add', { by: 2 })
    controller.abort(reason)
    opening.resolve()
    await expect(leaves).rejects.toBe(reason)
    expect(await waits).toEqual({ value: 2 })
    expect(out).toBe(0)
  })
})

describe('the types of a call', () => {
  const work = operation<object>()({
    name: 'work.do',
    summary: 'Do some work.',
    parts: [],
    input: z.object({ size: z.int(), detach: z.boolean().default(false) }),
    output: z.union([z.object({ done: z.int() }), z.object({ job: z.int() })]),
    body: 'none',
    returns: 'value',
    effect: 'write',
    scope: 'content:write',
    run: async (_parts, { size, detach }) => (detach ? { job: 7 } : { done: size }),
  })

  test('tell the answer of an entry by its input `detach`', async () => {
    const caller = createCaller<TableOf<readonly [typeof work]>>({
      operations: [work],
      borrow: () => ({ parts: {}, signal: new AbortController().signal, release() {} }),
    })
    const attached: { done: number } = await caller.call('work.do', { size: 1 })
    const explicit: { done: number } = await caller.call('work.do', { size: 2, detach: false })
    const detached: { job: number } = await caller.call('work.do', { size: 3, detach: true })
    expect([attached, explicit, detached]).toEqual([{ done: 1 }, { done: 2 }, { job: 7 }])
    const detach = (): boolean => true
    const either: { done: number } | { job: number } = await caller.call('work.do', {
      size: 4,
      detach: detach(),
    })
    expect(either).toEqual({ job: 7 })
    // @ts-expect-error -- a misspelled key is refused
    await expect(caller.call('work.do', { size: 1, dettach: true })).rejects.toMatchObject({
      code: 'OPERATION_INVALID_INPUT',
    })
    // @ts-expect-error -- nothing but a job is answered
    void (detached as { done: number })
  })
})

describe('a body', () => {
  test('is bytes, whole or in pieces', async () => {
    const { caller } = lend()
    const pieces = async function* (): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(3)
      yield new Uint8Array(4)
    }
    const seen: number[] = []
    expect(await caller.call('body.size', {}, { body: new Uint8Array(5) })).toEqual({ bytes: 5 })
    expect(
      await caller.call('body.size', {}, { body: pieces(), progress: ({ bytes }) => void seen.push(bytes) }),
    ).toEqual({ bytes: 7 })
    expect(seen).toEqual([3, 7])
  })

  test('is files, in a list or one by one', async () => {
    const { caller } = lend()
    const list: FileEntry[] = [{ path: 'a' }, { path: 'b' }]
    const stream = async function* (): AsyncGenerator<FileEntry> {
      yield* list
    }
    expect(await caller.call('body.names', {}, { body: list })).toEqual(['a', 'b'])
    expect(await caller.call('body.names', {}, { body: stream() })).toEqual(['a', 'b'])
  })

  test('is refused where none is taken, and demanded where one is', async () => {
    const { caller, out } = lend()
    await expect(caller.callAs('id', 'counter.add', {}, { body: new Uint8Array() })).rejects.toMatchObject({
      code: 'OPERATION_BODY_INVALID',
    })
    await expect(caller.callAs('id', 'body.size', {})).rejects.toMatchObject({
      code: 'OPERATION_BODY_INVALID',
    })
    expect(out()).toBe(0)
  })
})

describe('cancelling', () => {
  test('passes the reason of the caller through untouched', async () => {
    const { caller, out } = lend()
    const reason = new Error('enough')
    await expect(caller.call('counter.wait', {}, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    const controller = new AbortController()
    const waiting = caller.call('counter.wait', {}, { signal: controller.signal })
    controller.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    expect(out()).toBe(0)
  })

  test('by a part that goes away is OPERATION_CANCELLED', async () => {
    const { caller, withdraw } = lend()
    const waiting = caller.call('counter.wait', {})
    withdraw()
    await expect(waiting).rejects.toBeInstanceOf(OperationError)
    await expect(waiting).rejects.toMatchObject({ code: 'OPERATION_CANCELLED' })
  })
})

describe('parts are lent', () => {
  test('until the last line or byte was taken', async () => {
    const { caller, out } = lend()
    const lines = (await caller.call('counter.count', { to: 2 }))[Symbol.asyncIterator]()
    await lines.next()
    await lines.next()
    expect(out()).toBe(1)
    expect((await lines.next()).done).toBe(true)
    expect(out()).toBe(0)
    const { body } = await caller.call('body.repeat', { times: 2 })
    expect(out()).toBe(1)
    expect((await collect(body)).map(([byte]) => byte)).toEqual([0, 1])
    expect(out()).toBe(0)
  })

  test('until lines are left, begun or not', async () => {
    const { caller, out } = lend()
    for await (const { n } of await caller.call('counter.count', { to: 5 })) if (n === 2) break
    expect(out()).toBe(0)
    const unread = (await caller.call('counter.count', { to: 5 }))[Symbol.asyncIterator]()
    expect(out()).toBe(1)
    await unread.return?.()
    await unread.return?.()
    expect(out()).toBe(0)
  })
})

test('each call is published once, with its code and never its input', async () => {
  const records = listen()
  const { caller } = lend()
  await caller.call('counter.add', { by: 7 })
  await caller.callAs('my-id', 'counter.add', { by: 'wrong' }).catch(() => {})
  await caller.callAs('id', 'nothing.here', {}).catch(() => {})
  await collect(await caller.call('counter.count', { to: 2 }))
  for await (const _ of await caller.call('counter.count', { to: 2 })) break
  await collect(await caller.call('counter.count', { to: 2, failAt: 1 })).catch(() => {})
  await caller.call('counter.wait', {}, { signal: AbortSignal.abort() }).catch(() => {})
  await caller.call('counter.wait', {}, { signal: AbortSignal.abort('any reason at all') }).catch(() => {})
  expect(records.map(({ name, code }) => `${name} ${code}`)).toEqual([
    'counter.add OK',
    'counter.add OPERATION_INVALID_INPUT',
    'nothing.here OPERATION_UNKNOWN',
    'counter.count OK',
    'counter.count OPERATION_CANCELLED',
    'counter.count OPERATION_INTERNAL',
    'counter.wait OPERATION_CANCELLED',
    'counter.wait OPERATION_CANCELLED',
  ])
  expect(records[1]?.requestId).toBe('my-id')
  expect(Object.keys(records[0]!).sort()).toEqual(['code', 'durationMs', 'name', 'requestId', 'startedAt'])
  expect(records.every(({ durationMs, startedAt }) => durationMs >= 0 && startedAt > 1e12)).toBe(true)
})
