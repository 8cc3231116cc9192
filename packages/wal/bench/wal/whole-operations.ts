/** C-5: whole operations per second: promised, claimed, done by a handler that does nothing, and completed, all of it durable. */
import { join } from 'node:path'
import { openWal } from '@ipfs-kit/wal'
import Database from 'better-sqlite3'
import { better, defineQueue, defineWorker } from 'plainjob'
import { z } from 'zod'
import { interleave, median, round3 } from './rounds.ts'
import type { Row } from './row.ts'

const inFlight = 256
/** With what belongs to an operation besides, a record of about 512 bytes. */
const payload = 'x'.repeat(300)

/** Appends operations, and waits for the end of each, until the time is up: operations per second. */
type Contender = AsyncDisposable & { readonly measure: (ms: number) => Promise<number> }

export const wholeOperations: Row = {
  specs: [
    {
      id: 'C-5',
      measure: `whole operations/s (append, claim, no-op handler, complete, all durable) at ${inFlight} in flight`,
      unit: 'operations/s',
      bar: '>= 10000',
    },
  ],
  async measure({ folder, quick, log }) {
    const [rounds, ms] = quick ? [3, 500] : [7, 3000]
    await using ours = await ourQueue(folder)
    await using theirs = sqliteQueue(folder)
    const figures = await interleave(
      { wal: () => ours.measure(ms), plainjob: () => theirs.measure(ms) },
      rounds,
      log,
      `operations/s at ${inFlight} in flight`,
    )
    const samples = figures.wal.map(round3)
    const peer =
      'plainjob on better-sqlite3, journal_mode WAL, synchronous FULL, a worker that takes one job after the other'
    const detail = {
      inFlight,
      peer,
      plainjob: round3(median(figures.plainjob)),
      plainjobSamples: figures.plainjob.map(round3),
    }
    return { 'C-5': { value: median(samples), samples, detail } }
  },
}

async function ourQueue(folder: string): Promise<Contender> {
  const params = z.object({ data: z.string() })
  const wal = await openWal({
    path: join(folder, 'operations'),
    types: { 'custom:nothing': { params, run: () => undefined } },
    concurrency: inFlight,
    laneLimit: inFlight,
  })
  const measure = async (ms: number): Promise<number> => {
    const began = performance.now()
    let done = 0
    const client = async (): Promise<void> => {
      while (performance.now() < began + ms) {
        const { operation } = await wal.append({ type: 'custom:nothing', params: { data: payload } })
        await wal.wait(operation.id)
        done += 1
      }
    }
    await Promise.all(Array.from({ length: inFlight }, client))
    return done / ((performance.now() - began) / 1000)
  }
  return { measure, [Symbol.asyncDispose]: () => wal.close() }
}

/** As many jobs are added at once as others have been done: so many are in flight at any time. */
function sqliteQueue(folder: string): Contender {
  const database = new Database(join(folder, 'plainjob.db'))
  database.pragma('journal_mode = WAL')
  const silent = { error: console.error, warn() {}, info() {}, debug() {} }
  const queue = defineQueue({ connection: better(database), logger: silent })
  // It sets pragmas of its own.
  database.pragma('synchronous = FULL')
  const measure = async (ms: number): Promise<number> => {
    const began = performance.now()
    let done = 0
    const add = (): void => void queue.add('nothing', { data: payload })
    const drained = Promise.withResolvers<void>()
    let alive = inFlight
    const worker = defineWorker('nothing', async () => undefined, {
      queue,
      logger: silent,
      pollIntervall: 1,
      onCompleted: () => {
        done += 1
        if (performance.now() < began + ms) add()
        else if (--alive === 0) drained.resolve()
      },
    })
    for (let at = 0; at < inFlight; at += 1) add()
    const working = worker.start()
    await drained.promise
    const took = performance.now() - began
    await worker.stop()
    await working
    return done / (took / 1000)
  }
  return {
    measure,
    async [Symbol.asyncDispose]() {
      queue.close()
    },
  }
}
