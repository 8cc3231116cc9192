/** Tiers that go wrong by script. */
import { checkpoint, type Event, random, sleep } from '@ipfs-kit/concurrency'
import {
  createMemoryBackend,
  type GetOptions,
  type StorageBackend,
  type StoredObject,
} from '@ipfs-kit/storage'
import { delegate } from '@ipfs-kit/storage/testing'

/** How a backend goes wrong from here on, in each of its calls. */
export interface Fault {
  /** Does not answer at all: neither an answer nor its signal ends a call. */
  hangs?: boolean
  /** Each call fails. */
  fails?: boolean
  /** Each call waits for it before it does anything. */
  after?: Event
  /** Milliseconds before each call does anything; before each put; and a random time up to that. */
  delayMs?: number
  putDelayMs?: number
  jitterMs?: number
  /** Milliseconds between the moment of which a get tells and its answer. */
  answersAfterMs?: number
  /** Bodies have other bytes than were put. */
  liesAboutContent?: boolean
  /** Bodies are that much shorter than declared. */
  endsEarlyBy?: number
  /** Bodies are that much longer than declared. */
  endsLateBy?: number
  /** Bodies fail after that many bytes. */
  diesAfter?: number
  /** Bodies stand still for ever after that many bytes. */
  stallsAfter?: number
  /** Only puts, or only deletes, fail. */
  failsPuts?: boolean
  failsDeletes?: boolean
}

/** A backend that goes wrong as its `fault` says, and how often each of its calls was made. */
export interface Faulty extends StorageBackend {
  fault: Fault
  readonly calls: Record<'put' | 'get' | 'stat' | 'delete' | 'list' | 'probe', number>
  /** Gets that ran at once at most. */
  mostGets: number
}

/** What a disk says that is gone. */
export class Gone extends Error {
  readonly code = 'EIO'
}

/** Over a good backend; its bodies come in pieces of 1,000 bytes. */
export function faulty(good: StorageBackend, fault: Fault = {}): Faulty {
  const calls = { put: 0, get: 0, stat: 0, delete: 0, list: 0, probe: 0 }
  let gets = 0
  const enter = async (call: keyof typeof calls): Promise<void> => {
    calls[call] += 1
    if (made.fault.hangs === true) await new Promise<never>(() => {})
    await made.fault.after?.wait()
    if (made.fault.delayMs !== undefined) await sleep(made.fault.delayMs)
    if (call === 'put' && made.fault.putDelayMs !== undefined) await sleep(made.fault.putDelayMs)
    if (made.fault.jitterMs !== undefined) await sleep(random() * made.fault.jitterMs)
    if (made.fault.fails === true) throw new Gone('The disk is gone')
  }
  const get = async (key: string, options?: GetOptions): Promise<StoredObject | undefined> => {
    gets += 1
    made.mostGets = Math.max(made.mostGets, gets)
    try {
      await enter('get')
    } finally {
      gets -= 1
    }
    const { answersAfterMs } = made.fault
    const found = await good.get(key, options)
    if (answersAfterMs !== undefined) await sleep(answersAfterMs)
    return found === undefined ? undefined : { ...found, body: wrong(found, made.fault) }
  }
  const made: Faulty = Object.assign(
    delegate(good, {
      get,
      async put(key, body, options) {
        await enter('put')
        if (made.fault.failsPuts === true) throw new Gone('The disk takes nothing')
        return good.put(key, body, options)
      },
      async stat(key, options) {
        await enter('stat')
        return good.stat(key, options)
      },
      async delete(key, options) {
        await enter('delete')
        if (made.fault.failsDeletes === true) throw new Gone('The disk lets nothing go')
        return good.delete(key, options)
      },
      async list(options) {
        await enter('list')
        return good.list(options)
      },
      async probe(options) {
        await enter('probe')
        return good.probe(options)
      },
    }),
    { fault, calls, mostGets: 0 },
  )
  return made
}

async function* wrong(found: StoredObject, fault: Fault): AsyncGenerator<Uint8Array> {
  const { endsEarlyBy = 0, endsLateBy = 0, diesAfter = Infinity, stallsAfter = Infinity } = fault
  let given = 0
  const end = found.length - endsEarlyBy
  for await (const chunk of found.body) {
    for (let at = 0; at < chunk.length && given < end; at += 1000) {
      const piece = chunk.slice(at, Math.min(at + 1000, at + end - given))
      if (fault.liesAboutContent === true) piece[0]! ^= 1
      if (given + piece.length > diesAfter) throw new Gone('The disk is gone')
      if (given + piece.length > stallsAfter) await new Promise<never>(() => {})
      given += piece.length
      yield piece
    }
  }
  if (endsLateBy > 0) yield new Uint8Array(endsLateBy)
}

/** A backend in memory that goes wrong by script. */
export function faultyMemory(name: string, fault: Fault = {}): Faulty & { readonly good: StorageBackend } {
  const good = createMemoryBackend({ maxBytes: 16 * 1024 * 1024, name })
  return Object.assign(faulty(good, fault), { good })
}

/** Waits until something holds: turn by turn, and then from millisecond to millisecond. */
export async function until(holds: () => boolean): Promise<void> {
  for (let turns = 0; !holds(); turns += 1) {
    if (turns === 10_000) throw new Error('It never came to hold')
    await (turns < 1000 ? checkpoint() : sleep(1))
  }
}
