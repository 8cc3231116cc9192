/** Operations over the lives of a log: what was promised, what has run, and what must hold after each life. */
import assert from 'node:assert/strict'
import {
  cancelScope,
  currentScope,
  moveOnAfter,
  now,
  random,
  shield,
  sleep,
  taskGroup,
} from '@ipfs-kit/concurrency'
import { simDisk, type SimDisk } from '@ipfs-kit/disk'
import type { HandlerContext, LoggedOperation, NewOperation, Wal } from '@ipfs-kit/wal'
import { handler, openOps, wallClock } from '../wal-on.ts'
import { openLagging } from './lagging-store.ts'

/** A whole number below a bound, by the seed of the run. */
export function whole(below: number): number {
  return Math.floor(random() * below)
}

/** Codes with which a call may end when the disk fails, the process dies, or another client was faster. */
const allowed = new Set([
  'WAL_IO',
  'WAL_FULL',
  'WAL_SYNC_FAILED',
  'WAL_CLOSED',
  'WAL_STATE',
  'WAL_DEPENDENCY',
  'WAL_NOT_FOUND',
  // Of what was removed the key is kept.
  'WAL_KEY_CONFLICT',
])

/** What is known of an operation that was acknowledged. */
interface Known {
  readonly asked: NewOperation
  /** Times that its handler was begun, in all lives. */
  runs: number
  /** Times that its handler came to its end without a failure. */
  done: number
  /** An end that was acknowledged, unless it was queued again since. */
  end?: LoggedOperation['state']
  readonly createdAt: number
  /** Calls that cancel it or queue it again. */
  begun: number
  ended: number
}

export class World {
  readonly known = new Map<number, Known>()
  readonly keys = new Map<string, number>()
  /** Operations that a handler works on just now, by life. */
  #holders = new Map<number, number>()
  #runs = new Map<number, { runs: number; done: number }>()
  #life = 0
  readonly #lagMs: number
  /** Small ones, so that there are snapshots, and the log drops what is in them. */
  readonly #segmentBytes = whole(2) === 0 ? 4096 : 65_536
  lives = 0
  /** What was promised before may have been removed. */
  #removedBefore = 0
  readonly #isNew = new Set<number>()

  /** @param lagMs - how far the index is behind the log at most */
  constructor(lagMs: number) {
    this.#lagMs = lagMs
  }

  open(disk: SimDisk): Promise<Wal> {
    this.#life += 1
    this.lives += 1
    this.#holders = new Map()
    const life = this.#life
    const run = (_: unknown, context: HandlerContext) => this.#work(context, life)
    const open = this.#lagMs === 0 ? openOps : openLagging(this.#lagMs)
    return open(
      {
        types: {
          pin: handler(run, { maxAttempts: 3 }),
          upload: handler(run, { maxAttempts: 2, onInterrupted: 'fail' }),
          'custom:slow': handler(run, { timeoutMs: 30 }),
        },
        concurrency: 4,
        laneLimit: 3,
        windowSize: 16,
        retryBaseMs: 4,
        retryMaxMs: 50,
        progressMs: 5,
        drainMs: 10,
        segmentBytes: this.#segmentBytes,
        backends: { s3: { limit: 1, offlineAfter: 4 } },
      },
      disk,
    )
  }

  /** Some clients at once. */
  async live(wal: Wal, steps: number): Promise<void> {
    await taskGroup(async (group) => {
      for (let client = 0; client < 3; client += 1) {
        group.spawn(async () => {
          for (let step = 0; step < steps; step += 1) {
            if (!(await this.#step(wal))) return
            if (whole(3) === 0) await sleep(whole(10))
          }
        })
      }
    })
  }

  /** What must hold when it was opened again. */
  async check(wal: Wal): Promise<void> {
    for (const [id, known] of this.known) {
      const operation = await wal.get(id)
      if (operation === undefined && known.createdAt < this.#removedBefore) continue
      assert.ok(operation, `operation ${id} was acknowledged and is lost`)
      assert.equal(operation.params['n'], (known.asked.params as { n: number }).n)
      if (known.end !== undefined) assert.equal(operation.state, known.end, `operation ${id} had ended`)
      const { runs = 0, done = 0 } = this.#runs.get(id) ?? {}
      assert.ok(
        operation.attemptCount >= runs,
        `operation ${id} was run ${runs} times, ${operation.attemptCount} counted`,
      )
      assert.ok(operation.attemptCount <= runs + this.lives * 2, `operation ${id} counts what has not run`)
      if (operation.state === 'completed') assert.ok(done > 0, `operation ${id} has not been done`)
      if (operation.state === 'failed' && operation.failure?.code === 'PASSING') {
        assert.ok(operation.attemptCount >= operation.attemptLimit, `operation ${id} was given up too early`)
      }
    }
  }

  /** All that is not paused comes to an end. */
  async settle(wal: Wal): Promise<void> {
    for (const id of this.known.keys()) {
      const operation = await wal.get(id)
      if (operation?.paused === true) await tolerant(() => wal.resume(id))
    }
    // Also what was promised to somebody who was not told of it any more.
    const { operations } = await wal.list({ states: ['queued', 'running', 'retrying'], paused: false })
    for (const { id } of operations) await wal.wait(id)
    await this.check(wal)
    await wal.list()
    const { unfinished, index } = wal.stats()
    assert.equal(unfinished, index.unfinished)
  }

  async #work({ operation, progress, save, checkpoint }: HandlerContext, life: number): Promise<unknown> {
    const { id, after } = operation
    const mine = this.#life === life
    const counts = this.#runs.get(id) ?? { runs: 0, done: 0 }
    this.#runs.set(id, counts)
    if (mine) {
      assert.equal(this.#holders.get(id), undefined, `operation ${id} is run by two at once`)
      this.#holders.set(id, life)
    }
    counts.runs += 1
    assert.ok(operation.attemptCount >= counts.runs, `operation ${id} begins before its attempt is counted`)
    for (const other of after) {
      const isRetried = operation.attemptLimit > operation.maxAttempts
      assert.ok((this.#runs.get(other)?.done ?? 0) > 0 || isRetried, `${id} begins before ${other} is done`)
    }
    try {
      if (whole(4) === 0) progress({ stage: 'works', bytes: whole(100) })
      if (whole(6) === 0) await shield(() => sleep(whole(40)))
      else await sleep(whole(40))
      if (whole(5) === 0) await save({ at: Number((checkpoint as { at?: number } | undefined)?.at ?? 0) + 1 })
      const luck = whole(8)
      if (luck === 0) throw Object.assign(new Error('perhaps later'), { code: 'PASSING' })
      if (luck === 1) throw Object.assign(new Error('never'), { code: 'LASTING', kind: 'invalid' })
      counts.done += 1
      return luck === 2 ? { life } : undefined
    } finally {
      if (mine) this.#holders.delete(id)
    }
  }

  async #step(wal: Wal): Promise<boolean> {
    const dice = whole(15)
    if (dice < 7) return await this.#append(wal)
    const ids = [...this.known.keys()]
    const id = ids[whole(ids.length)]
    if (id === undefined) return true
    const known = this.known.get(id)!
    // Until it is acknowledged nobody knows which of the two it is.
    if (dice === 7) return await this.#changing(known, () => wal.cancel(id))
    if (dice === 8) return await tolerant(() => wal.pause(id))
    if (dice === 9) return await tolerant(() => wal.resume(id))
    if (dice === 10) return await this.#changing(known, () => wal.retry(id))
    if (dice === 11) return await this.#cutOff(wal, id)
    if (dice === 13) return await this.#remove(wal)
    if (dice === 12) return await tolerant(() => wal.list({ limit: 5 }))
    return await tolerant(async () => {
      const waited = await cancelScope(
        async () => {
          const operation = await wal.wait(id)
          return operation
        },
        { deadline: now() + whole(30) },
      )
      // Another client may have queued it again meanwhile, or be about to.
      const { begun, ended } = known
      const latest = await wal.get(id)
      const isQuiet = begun === ended && begun === known.begun
      if (isQuiet && waited !== undefined && latest?.lsn === waited.lsn) known.end = waited.state
    })
  }

  async #append(wal: Wal): Promise<boolean> {
    const n = whole(1_000_000)
    const ids = [...this.known.keys()]
    const type = (['pin', 'upload', 'custom:slow'] as const)[whole(3)]!
    const after = ids.length > 0 && whole(3) === 0 ? [ids[whole(ids.length)]!] : []
    const key = whole(3) === 0 ? `key ${whole(5)}` : undefined
    const asked: NewOperation = {
      type: key === undefined ? type : 'pin',
      params: { n: key === undefined ? n : Number(key.slice(4)) },
      priority: whole(10),
      after,
      ...(whole(3) === 0 && key === undefined && { backend: 's3' }),
      ...(key !== undefined && { key }),
    }
    return await tolerant(async () => {
      const appended =
        whole(4) === 0 && key === undefined
          ? await wal.appendMany([asked, { ...asked, afterInBatch: [0] }])
          : [await wal.append(asked)]
      for (const { operation, isNew } of appended) {
        const { id } = operation
        if (key !== undefined) {
          assert.equal(this.keys.get(key) ?? id, id, `the key ${key} has two operations`)
          this.keys.set(key, id)
        }
        if (isNew) {
          assert.ok(!this.#isNew.has(id), `operation ${id} is new twice`)
          this.#isNew.add(id)
        }
        if (!this.known.has(id))
          this.known.set(id, { asked, runs: 0, done: 0, createdAt: operation.createdAt, begun: 0, ended: 0 })
      }
    })
  }

  async #changing(known: Known, change: () => Promise<LoggedOperation>): Promise<boolean> {
    delete known.end
    known.begun += 1
    try {
      return await tolerant(change)
    } finally {
      known.ended += 1
    }
  }

  /** What has ended may be gone from now on. */
  async #remove(wal: Wal): Promise<boolean> {
    return await tolerant(async () => {
      const { operations } = await wal.list({ states: ['completed', 'failed', 'cancelled'] })
      const removed = operations.at(-1)
      if (removed === undefined) return
      const createdBefore = wallClock()
      this.#removedBefore = createdBefore
      await wal.deleteFinished({ types: [removed.type], createdBefore })
      const after = await wal.get(removed.id)
      // Another client may have queued it again.
      const isMeant = removed.createdAt < createdBefore
      assert.ok(
        !isMeant || after === undefined || after.lsn > removed.lsn,
        `operation ${removed.id} was not removed`,
      )
    })
  }

  /** Whoever leaves a call has broken nothing. */
  async #cutOff(wal: Wal, id: number): Promise<boolean> {
    return await tolerant(() => cancelScope(() => wal.pause(id), { deadline: now() + whole(4) }))
  }
}

/** Whether it went on; the failures of a disk end a client. */
async function tolerant(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    if (currentScope().cancelled) throw error
    const { code = '' } = error as { code?: string }
    assert.ok(allowed.has(code), String((error as Error).stack))
    return (
      ['WAL_STATE', 'WAL_DEPENDENCY', 'WAL_NOT_FOUND', 'WAL_KEY_CONFLICT'].includes(code) || whole(2) === 0
    )
  }
}

/** Lives that end in a power loss, in the death of the process, or in order. */
export async function liveAndCrash(lagMs: number): Promise<void> {
  const world = new World(lagMs)
  let disk = simDisk({ seed: whole(2 ** 31), faults: { tearing: 0.3, latencyMs: whole(2) * 2 } })
  for (let life = 0; life < 3; life += 1) {
    const wal = await world.open(disk)
    await world.check(wal)
    if (whole(3) === 0) disk.failAt((['write', 'sync', 'any'] as const)[whole(3)]!, 1 + whole(60))
    if (whole(3) > 0) disk.crashAt('any', 1 + whole(150))
    // On a disk that is gone, attempts cannot be ended, and who waits for that waits.
    await moveOnAfter(1000, () => world.live(wal, 8))
    if (whole(3) === 0) await closed(wal)
    const next = whole(3) === 0 ? disk.kill() : disk.crash()
    await closed(wal)
    disk = next
  }
  const wal = await world.open(disk)
  await world.settle(wal)
  await wal.close()
  const again = await world.open(disk)
  await world.check(again)
  await again.close()
}

/** Closes the log of a process that may be dead: it ends, whatever it says. */
async function closed(wal: Wal): Promise<void> {
  try {
    await wal.close()
  } catch (error) {
    assert.ok(['WalError', 'DiskError', 'SuppressedError'].includes((error as Error).name), String(error))
  }
}
