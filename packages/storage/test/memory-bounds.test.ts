import { createMemoryBackend, StorageError } from '@ipfs-kit/storage'
import { describe, expect, test } from 'vitest'

const code = (expected: string) => expect.objectContaining({ name: 'StorageError', code: expected })

describe('bytes', () => {
  test('holds exactly maxBytes of keys and values, and not one byte more', async () => {
    const backend = createMemoryBackend({ maxBytes: 100 })
    await backend.put('ab', new Uint8Array(98))
    expect(backend.stats()).toMatchObject({ entries: 1, bytes: 100 })
    await expect(backend.put('c', new Uint8Array(0))).rejects.toEqual(code('STORAGE_FULL'))
    await backend.delete('ab')
    expect(backend.stats().bytes).toBe(0)
    await expect(backend.put('ab', new Uint8Array(99))).rejects.toEqual(code('STORAGE_FULL'))
    expect(backend.stats()).toMatchObject({ entries: 0, bytes: 0 })
    await backend.put('é', new Uint8Array(98))
    expect(backend.stats().bytes).toBe(100)
  })

  test('never passes maxBytes while bodies arrive side by side', async () => {
    const maxBytes = 50_000
    const backend = createMemoryBackend({ maxBytes })
    let highest = 0
    const body = async function* (chunks: number): AsyncGenerator<Uint8Array> {
      for (let chunk = 0; chunk < chunks; chunk++) {
        yield new Uint8Array(97)
        highest = Math.max(highest, backend.stats().bytes)
      }
    }
    const puts = Array.from({ length: 10 }, (_, index) => backend.put(`k${index}`, body(index * 10 + 10)))
    const outcomes = await Promise.allSettled(puts)
    const stored = outcomes.filter(({ status }) => status === 'fulfilled').length
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') expect(outcome.reason).toEqual(code('STORAGE_FULL'))
    expect(stored).toBeGreaterThan(0)
    expect(stored).toBeLessThan(10)
    expect(highest).toBeLessThanOrEqual(maxBytes)
    expect(backend.stats()).toMatchObject({ entries: stored, puts: 0 })
    const { entries } = await backend.list()
    expect(backend.stats().bytes).toBe(entries.reduce((sum, { key, size }) => sum + key.length + size, 0))
  })

  test('a declared size takes its room before the body is read', async () => {
    const backend = createMemoryBackend({ maxBytes: 1000 })
    let read = false
    const body = async function* (): AsyncGenerator<Uint8Array> {
      read = true
      yield new Uint8Array(1)
    }
    await expect(backend.put('k', body(), { size: 1000 })).rejects.toEqual(code('STORAGE_FULL'))
    expect(read).toBe(false)

    const gate = Promise.withResolvers<void>()
    const slow = async function* (): AsyncGenerator<Uint8Array> {
      await gate.promise
      yield new Uint8Array(900)
    }
    const putting = backend.put('slow', slow(), { size: 900 })
    expect(backend.stats()).toMatchObject({ bytes: 904, puts: 1, entries: 0 })
    await expect(backend.put('other', new Uint8Array(100))).rejects.toEqual(code('STORAGE_FULL'))
    gate.resolve()
    await putting
    expect(backend.stats()).toMatchObject({ bytes: 904, puts: 0, entries: 1 })
  })

  test('replacing needs room for both, and leaves only the new one', async () => {
    const backend = createMemoryBackend({ maxBytes: 1000 })
    await backend.put('k', new Uint8Array(600))
    await expect(backend.put('k', new Uint8Array(600))).rejects.toEqual(code('STORAGE_FULL'))
    expect(await backend.stat('k')).toMatchObject({ key: 'k', size: 600 })
    await backend.put('k', new Uint8Array(300))
    expect(backend.stats()).toMatchObject({ bytes: 301, entries: 1 })
  })

  test('what is deleted counts until its last reader is done', async () => {
    const backend = createMemoryBackend({ maxBytes: 1_000_000 })
    await backend.put('k', new Uint8Array(200_000))
    const [first, second] = [await backend.get('k'), await backend.get('k')]
    await backend.delete('k')
    expect(backend.stats()).toMatchObject({ entries: 0, bytes: 200_001, readers: 2 })
    for await (const chunk of first!.body) expect(chunk.byteLength).toBeGreaterThan(0)
    expect(backend.stats()).toMatchObject({ bytes: 200_001, readers: 1 })
    await second!.body[Symbol.asyncIterator]().return?.()
    expect(backend.stats()).toMatchObject({ bytes: 0, readers: 0 })
  })

  test('an abort lets go of a body that nobody reads', async () => {
    const backend = createMemoryBackend({ maxBytes: 1000 })
    await backend.put('k', new Uint8Array(500))
    const controller = new AbortController()
    await backend.get('k', { signal: controller.signal })
    await backend.delete('k')
    expect(backend.stats()).toMatchObject({ bytes: 501, readers: 1 })
    controller.abort(new Error('not wanted'))
    expect(backend.stats()).toMatchObject({ bytes: 0, readers: 0 })
  })

  test('put that fails, is aborted or is refused gives all of its room back', async () => {
    const backend = createMemoryBackend({ maxBytes: 1000 })
    const failing = async function* (): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(500)
      throw new Error('source')
    }
    await expect(backend.put('k', failing())).rejects.toThrow('source')
    await expect(backend.put('k', new Uint8Array(5), { size: 900 })).rejects.toEqual(
      code('STORAGE_SIZE_MISMATCH'),
    )
    const controller = new AbortController()
    const stuck = async function* (): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(500)
      controller.abort(new Error('enough'))
      yield new Uint8Array(1)
    }
    await expect(backend.put('k', stuck(), { signal: controller.signal })).rejects.toThrow('enough')
    expect(backend.stats()).toMatchObject({ bytes: 0, entries: 0, puts: 0 })
  })

  test('close gives everything back', async () => {
    const backend = createMemoryBackend({ maxBytes: 1000 })
    await backend.put('k', new Uint8Array(500))
    await backend.get('k')
    await backend.close()
    expect(backend.stats()).toMatchObject({ bytes: 0, entries: 0, readers: 0, puts: 0 })
  })
})

describe('entries', () => {
  test('holds exactly maxEntries, also when puts race', async () => {
    const backend = createMemoryBackend({ maxBytes: 1000, maxEntries: 2 })
    const one = async function* (): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(1)
    }
    const outcomes = await Promise.allSettled(['a', 'b', 'c'].map((key) => backend.put(key, one())))
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected'])
    await expect(backend.put('d', new Uint8Array())).rejects.toEqual(code('STORAGE_FULL'))
    await backend.put('a', new Uint8Array(5))
    await backend.delete('b')
    await backend.put('d', new Uint8Array())
    expect(backend.stats()).toMatchObject({ entries: 2, maxEntries: 2 })
  })

  test('two puts of the same new key count once when they are done', async () => {
    const backend = createMemoryBackend({ maxBytes: 1000, maxEntries: 2 })
    const one = async function* (): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(1)
    }
    await Promise.all([backend.put('a', one()), backend.put('a', one())])
    await backend.put('b', one())
    expect(backend.stats()).toMatchObject({ entries: 2 })
  })

  test('a replacement whose key is deleted meanwhile needs an entry again', async () => {
    const backend = createMemoryBackend({ maxBytes: 1000, maxEntries: 1 })
    await backend.put('a', new Uint8Array(1))
    const body = async function* (): AsyncGenerator<Uint8Array> {
      await backend.delete('a')
      await backend.put('b', new Uint8Array(1))
      yield new Uint8Array(1)
    }
    await expect(backend.put('a', body())).rejects.toEqual(code('STORAGE_FULL'))
    expect((await backend.list()).entries).toMatchObject([{ key: 'b', size: 1 }])
    expect(backend.stats()).toMatchObject({ entries: 1, bytes: 2 })
  })
})

test('stats are frozen and of their moment', async () => {
  const backend = createMemoryBackend({ maxBytes: 1000 })
  const before = backend.stats()
  expect(Object.isFrozen(before)).toBe(true)
  await backend.put('k', new Uint8Array(1))
  expect(before).toMatchObject({ entries: 0, bytes: 0 })
})

test('the probe of a full backend says that it is full', async () => {
  const backend = createMemoryBackend({ maxBytes: 10 })
  await expect(backend.probe()).rejects.toEqual(code('STORAGE_FULL'))
  expect(backend.stats()).toMatchObject({ bytes: 0, entries: 0 })
})

describe('options', () => {
  test('refuses what is missing, unknown or no limit', () => {
    // @ts-expect-error maxBytes is needed
    expect(() => createMemoryBackend({})).toThrow(/maxBytes/)
    // @ts-expect-error options are needed
    expect(() => createMemoryBackend()).toThrow(/maxBytes/)
    // @ts-expect-error there is no such option
    expect(() => createMemoryBackend({ maxBytes: 1, maxByte: 1 })).toThrow(/no option maxByte; .*maxBytes/)
    for (const maxBytes of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => createMemoryBackend({ maxBytes })).toThrow(RangeError)
    }
    expect(() => createMemoryBackend({ maxBytes: 1, maxEntries: Number.POSITIVE_INFINITY })).toThrow(
      RangeError,
    )
    expect(() => createMemoryBackend({ maxBytes: 1, name: '' })).toThrow(TypeError)
  })

  test('name and failure domain can be chosen, and by default the domain is the process', () => {
    expect(createMemoryBackend({ maxBytes: 1 })).toMatchObject({
      name: 'memory',
      failureDomain: `process:${process.pid}`,
    })
    expect(createMemoryBackend({ maxBytes: 1, name: 'a', failureDomain: 'b' })).toMatchObject({
      name: 'a',
      failureDomain: 'b',
    })
  })
})

test('a body that is none, or yields no bytes, is a TypeError', async () => {
  const backend = createMemoryBackend({ maxBytes: 1000 })
  for (const body of [undefined, null, 'text', 5, {}, [new Uint8Array(1)]]) {
    // @ts-expect-error not a body
    await expect(backend.put('k', body)).rejects.toThrow(TypeError)
  }
  const texts = async function* (): AsyncGenerator<string> {
    yield 'text'
  }
  // @ts-expect-error not bytes
  await expect(backend.put('k', texts())).rejects.toThrow(TypeError)
  expect(backend.stats()).toMatchObject({ bytes: 0, entries: 0 })
})

test('errors have a code, a kind and what to do next', async () => {
  const backend = createMemoryBackend({ maxBytes: 1 })
  const error = await backend.put('key', new Uint8Array(5)).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(StorageError)
  expect(error).toMatchObject({
    code: 'STORAGE_FULL',
    kind: 'full',
    next: 'Delete something, or raise the limit.',
  })
})
