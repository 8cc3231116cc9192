/** What every case of the suite works with. */
import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { map, moveOnAfter, run } from '@ipfs-kit/concurrency'
import type { GetOptions, ListOptions, ListPage, ObjectStat, StorageBackend } from '../backend.ts'
import type { ConformanceTarget } from './suite.ts'

/** One fact of the contract. */
export interface ConformanceCase {
  readonly title: string
  readonly run: (ground: Ground) => Promise<void>
}

/** An object that is known. */
export interface Known {
  readonly key: string
  readonly bytes: Uint8Array
}

/** One backend, and keys in it that no other case uses. */
export interface Ground {
  readonly backend: StorageBackend
  /** Begins the keys that {@link key} gives where keys are free. */
  readonly prefix: string
  readonly graceMs: number
  readonly largeBytes: number
  readonly manyKeys: number
  /** A key for these bytes, remembered to be removed at the end. */
  readonly key: (name: string, bytes: Uint8Array) => Promise<string>
  /** An object that is there: newly put where writing is supported, else the fixture. */
  readonly object: (size: number) => Promise<Known>
  /** A key that has no value. */
  readonly absentKey: () => Promise<string>
  /** Fails unless the promise settles within the grace. */
  readonly settles: <T>(promise: Promise<T>, after: string) => Promise<T>
  /** Removes what the case made, and closes the backend. */
  readonly leave: () => Promise<void>
}

export function createGround(target: ConformanceTarget, backend: StorageBackend): Ground {
  const prefix = `conformance-${randomUUID()}/`
  const { graceMs = 5000, largeBytes = 1_000_000, manyKeys = 10_000 } = target
  const made = new Set<string>()
  const key = async (name: string, bytes: Uint8Array): Promise<string> => {
    let chosen = `${prefix}${name}`
    if (backend.supports.keys === 'cid') {
      assert.ok(target.keyOf, 'the target needs keyOf, because its keys are CIDs')
      chosen = await target.keyOf(bytes)
    }
    made.add(chosen)
    return chosen
  }
  return {
    backend,
    prefix,
    graceMs,
    largeBytes,
    manyKeys,
    key,
    async object(size) {
      if (!backend.supports.write) {
        assert.ok(target.fixture, 'the target needs a fixture, because it cannot write')
        assert.ok(target.fixture.bytes.byteLength >= 1000, 'the fixture needs at least 1,000 bytes')
        return target.fixture
      }
      const bytes = randomBytes(size)
      const chosen = await key('object', bytes)
      await backend.put(chosen, bytes)
      return { key: chosen, bytes }
    },
    absentKey: () => key('absent', randomBytes(32)),
    async settles(promise, after) {
      const outcome = await moveOnAfter(graceMs, async () => ({ value: await run(promise) }))
      if (outcome !== undefined) return outcome.value
      throw new assert.AssertionError({ message: `still waits ${graceMs} ms after ${after}` })
    },
    async leave() {
      const remove = async (each: string): Promise<void> => {
        try {
          await backend.delete(each)
        } catch (error) {
          // Cases about closing have closed it already.
          if (!hasCode(error, 'STORAGE_CLOSED')) throw error
        }
      }
      try {
        if (backend.supports.delete) await inTurns([...made], remove)
      } finally {
        await backend.close()
      }
    },
  }
}

/** Calls that are made at once where there are many. */
const callsAtOnce = 16

/** Does something with many values, some at once. */
export async function inTurns<T>(values: readonly T[], work: (value: T) => Promise<unknown>): Promise<void> {
  await map(values, work, { concurrency: callsAtOnce })
}

/** Puts bytes under a key of the ground. */
export async function put(ground: Ground, name: string, bytes: Uint8Array): Promise<string> {
  const key = await ground.key(name, bytes)
  await ground.backend.put(key, bytes)
  return key
}

/** Reads an object, which has to be there. */
export async function read(backend: StorageBackend, key: string, options?: GetOptions): Promise<Buffer> {
  const found = await backend.get(key, options)
  assert.ok(found, `${key} is not there`)
  return collect(found.body)
}

/** All the bytes of a body. */
export async function collect(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) {
    assert.ok(chunk instanceof Uint8Array, 'a body yields bytes')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Key and size alone of what is told of an object. */
export function sizeOf({ key, size }: ObjectStat): { readonly key: string; readonly size: number } {
  return { key, size }
}

/** Asserts that a key shows these bytes in every way, or nothing. */
export async function assertShows(ground: Ground, key: string, bytes: Uint8Array | undefined): Promise<void> {
  const { backend } = ground
  const stat = await backend.stat(key)
  if (bytes === undefined) {
    assert.equal(stat, undefined, 'stat of a key without a value')
    assert.equal(await backend.get(key), undefined, 'get of a key without a value')
  } else {
    assert.ok(stat, `${key} is not there`)
    assert.deepEqual(sizeOf(stat), { key, size: bytes.byteLength })
    assertSame(await read(backend, key), bytes)
  }
  if (!backend.supports.list) return
  const listed = (await listAll(backend, { prefix: key })).filter((entry) => entry.key === key)
  const expected = bytes === undefined ? [] : [{ key, size: bytes.byteLength }]
  assert.deepEqual(listed, expected, 'what list shows')
}

/** Asserts that bytes are equal, without printing megabytes when they are not. */
export function assertSame(actual: Uint8Array, expected: Uint8Array): void {
  assert.equal(actual.byteLength, expected.byteLength, 'number of bytes')
  assert.ok(Buffer.from(actual).equals(expected), 'the bytes differ')
}

/** Key and size of all entries of all pages. */
export async function listAll(
  backend: StorageBackend,
  options: ListOptions,
): Promise<{ readonly key: string; readonly size: number }[]> {
  const entries: { readonly key: string; readonly size: number }[] = []
  let page: ListPage | undefined
  do {
    page = await backend.list(page?.cursor === undefined ? options : { ...options, cursor: page.cursor })
    entries.push(...page.entries.map(sizeOf))
  } while (page.cursor !== undefined)
  return entries
}

/** Asserts that a call rejects with a code. */
export async function assertCode(call: Promise<unknown>, code: string): Promise<void> {
  await assert.rejects(call, (error) => {
    assert.ok(hasCode(error, code), `rejects with ${describe(error)} instead of ${code}`)
    return true
  })
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

function describe(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}

/** Asserts that a call rejects with this very error. */
export async function assertRejectsWith(call: Promise<unknown>, reason: unknown): Promise<void> {
  await assert.rejects(call, (error) => {
    assert.equal(error, reason, 'the error passes through untouched')
    return true
  })
}
