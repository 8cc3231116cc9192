/** What was appended to a log over its lives, and what must be there after each of them. */
import assert from 'node:assert/strict'
import { random, taskGroup } from '@ipfs-kit/concurrency'
import type { SimDisk } from '@ipfs-kit/disk'
import type { Log } from '@ipfs-kit/wal'
import type { LogOptions } from '../../src/log/open-log.ts'
import { contentOf, openOn } from '../open-on.ts'

/** A whole number below a bound, by the seed of the run. */
export function whole(below: number): number {
  return Math.floor(random() * below)
}

/** Codes with which an append may end when the disk fails or the process dies. */
const allowed = new Set(['WAL_IO', 'WAL_FULL', 'WAL_SYNC_FAILED', 'WAL_CLOSED'])

export class World {
  /** Records that were acknowledged, and have to be there. */
  readonly acked = new Map<number, string>()
  /** Batches that were tried, by what each of their records begins with. */
  readonly tried = new Map<string, readonly string[]>()
  droppedBefore = 1
  #next = 0

  /** Some appenders at once, some batches each, and drops now and then. */
  async live(log: Log, steps: number): Promise<void> {
    await taskGroup(async (group) => {
      for (let appender = 0; appender < 4; appender += 1) {
        group.spawn(async () => {
          for (let step = 0; step < steps; step += 1) {
            const isAlive = whole(12) === 0 ? await this.#drop(log) : await this.#append(log)
            if (!isAlive) return
          }
        })
      }
    })
  }

  async #append(log: Log): Promise<boolean> {
    this.#next += 1
    const count = 1 + whole(4)
    const of = `batch ${this.#next} `
    const batch = Array.from({ length: count }, (_, at) => `${of}${at} ${'x'.repeat(whole(300))}`)
    this.tried.set(of, batch)
    return await survives(async () => {
      const lsns = await log.appendMany(batch.map((text) => Buffer.from(text)))
      if (log.stats().mode === 'always') lsns.forEach((lsn, at) => this.acked.set(lsn, batch[at]!))
    })
  }

  async #drop(log: Log): Promise<boolean> {
    const { firstLsn, durableLsn } = log.stats()
    const lsn = firstLsn + whole(Math.max(1, durableLsn - firstLsn))
    this.droppedBefore = Math.max(this.droppedBefore, lsn)
    return await survives(() => log.dropBefore(lsn))
  }

  /** Opens it, and checks what is there. */
  async check(disk: SimDisk, options: Partial<LogOptions>): Promise<Log> {
    const log = await openOn(disk, options)
    const isAlways = (options.mode ?? 'always') === 'always'
    if (isAlways)
      assert.deepEqual(
        log.findings.filter(({ kind }) => kind !== 'torn-tail'),
        [],
      )
    const found = await contentOf(log)
    const lsns = [...found.keys()]
    const { firstLsn, nextLsn, durableLsn } = log.stats()
    assert.equal(durableLsn, nextLsn - 1)
    assert.ok(
      firstLsn <= this.droppedBefore,
      `${firstLsn} is the first, and ${this.droppedBefore} was not dropped`,
    )
    if (isAlways)
      assert.deepEqual(
        lsns,
        Array.from({ length: nextLsn - firstLsn }, (_, at) => firstLsn + at),
      )
    for (const [lsn, text] of this.acked) {
      if (lsn >= firstLsn) assert.equal(found.get(lsn), text, `LSN ${lsn} was acknowledged`)
    }
    this.#checkWhole(found, firstLsn)
    // What was found was synced at opening: from here on it has to stay.
    this.acked.clear()
    for (const [lsn, text] of found) this.acked.set(lsn, text)
    assert.deepEqual(
      (await log.verify()).findings,
      log.findings.filter(({ kind }) => kind !== 'torn-tail' && kind !== 'cut'),
    )
    return log
  }

  /** Each record was appended, once; each batch is there as a whole, one after the other. */
  #checkWhole(found: ReadonlyMap<number, string>, firstLsn: number): void {
    const seen = new Set<string>()
    for (const [lsn, text] of found) {
      const [, of = '', at = ''] = /^(batch \d+ )(\d+) /.exec(text) ?? []
      const batch = this.tried.get(of)
      assert.equal(batch?.[Number(at)], text, `LSN ${lsn} holds what nobody appended`)
      assert.ok(!seen.has(text), `${text} is there twice`)
      seen.add(text)
      batch.forEach((one, nth) => {
        const place = lsn - Number(at) + nth
        if (place >= firstLsn) assert.equal(found.get(place), one, `batch ${of}is there in part`)
      })
    }
  }
}

/** Whether it went on; the failures of a disk end an appender. */
async function survives(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    assert.ok(allowed.has((error as { code?: string }).code ?? ''), String(error))
    return whole(2) === 0
  }
}
