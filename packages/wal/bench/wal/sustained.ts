/** C-1.index: the log with its index, for a minute at a time. */
import { mkdir, rm } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import { join } from 'node:path'
import { openOperationStore } from '../../src/store/open-operation-store.ts'
import { openToWrite } from '../../src/sqlite/schema.ts'
import { interleave, median, ratioOf, round3 } from './rounds.ts'
import type { Row } from './row.ts'
import { addOf, operationOf } from './stored.ts'

const appenders = 256
const mostLagMs = 1000

export const sustained: Row = {
  specs: [
    {
      id: 'C-1.index',
      measure:
        'operations/s of the log at 256 appenders with the index applying, all applied at the end and never 1 s behind, as a ratio to better-sqlite3 inserting the same rows, 256 in a transaction, synchronous=FULL',
      unit: 'ratio',
      bar: '>= 0.5',
    },
  ],
  async measure({ folder, quick, log }) {
    const [rounds, seconds] = quick ? [1, 5] : [7, 60]
    let runs = 0
    const lags: number[] = []
    const figures = await interleave(
      {
        ours: async () => {
          runs += 1
          const path = join(folder, `store ${runs}`)
          await using cleanup = new AsyncDisposableStack()
          cleanup.defer(() => rm(path, { recursive: true }))
          await using store = await openOperationStore({ path, maxUnfinishedBytes: 2 ** 40 })
          const began = performance.now()
          const end = began + seconds * 1000
          let made = 0
          let lagMs = 0
          const append = async (): Promise<void> => {
            while (performance.now() < end) {
              made += 1
              await store.append([addOf(made)])
              lagMs = Math.max(lagMs, store.index.stats().lagMs)
            }
          }
          await Promise.all(Array.from({ length: appenders }, append))
          await store.index.recovered()
          lags.push(lagMs)
          if (lagMs > mostLagMs) throw new Error(`the index lagged ${round3(lagMs)} ms behind`)
          return (made / (performance.now() - began)) * 1000
        },
        sqlite: async () => {
          runs += 1
          const path = join(folder, `sqlite ${runs}`)
          await mkdir(path)
          const database = openToWrite(join(path, 'operations.db'))
          database.pragma('synchronous = FULL')
          database.pragma('wal_autocheckpoint = 1000')
          const insert = database.prepare('INSERT INTO operations VALUES (?, 1, ?, ?, ?, ?, NULL, NULL, ?)')
          const began = performance.now()
          let made = 0
          const insertMany = database.transaction(() => {
            for (let nth = 0; nth < appenders; nth += 1) {
              made += 1
              const operation = operationOf(made)
              const { createdAt, priority, dueAt, backend } = operation
              insert.run(made, createdAt, priority, dueAt, backend, JSON.stringify(operation))
            }
          })
          while (performance.now() - began < seconds * 1000) {
            insertMany()
            await setImmediate()
          }
          const took = performance.now() - began
          database.close()
          await rm(path, { recursive: true })
          return (made / took) * 1000
        },
      },
      rounds,
      log,
      `operations/s over ${seconds} s`,
    )
    const detail = {
      seconds,
      operationsPerSecond: round3(median(figures.ours)),
      sqlitePerSecond: round3(median(figures.sqlite)),
      largestLagMs: round3(Math.max(...lags)),
    }
    return { 'C-1.index': { ...ratioOf(figures.ours, figures.sqlite), detail } }
  },
}
