/** C-4.scan: reading everything after a start. */
import { join } from 'node:path'
import { openLog } from '@ipfs-kit/wal'
import { openSqlite, recordBytes } from './contenders.ts'
import { interleave, median, ratioOf, round3 } from './rounds.ts'
import type { Row } from './row.ts'

export const scan: Row = {
  specs: [
    {
      id: 'C-4.scan',
      measure:
        'recovery scan of 1 M records of 512 bytes: opening the log, which checks them all, as a share of a full scan of SQLite',
      unit: 'ratio',
      bar: '<= 0.2',
    },
  ],
  async measure({ folder, quick, log }) {
    const [rounds, records] = quick ? [3, 100_000] : [7, 1_000_000]
    const path = join(folder, 'log')
    const batch = Array.from({ length: 250 }, (_, at) => Buffer.alloc(recordBytes, at))
    const database = openSqlite(join(folder, 'sqlite.db'))
    {
      await using filled = await openLog({ path })
      const insert = database.prepare('INSERT INTO operations (payload) VALUES (?)')
      const insertAll = database.transaction(() => batch.forEach((payload) => insert.run(payload)))
      for (let at = 0; at < records; at += batch.length) {
        await filled.appendMany(batch)
        insertAll()
      }
    }
    const all = database.prepare('SELECT lsn, payload FROM operations ORDER BY lsn')
    const reads: number[] = []
    const figures = await interleave(
      {
        log: async () => {
          const began = performance.now()
          const opened = await openLog({ path })
          const took = performance.now() - began
          const count = { records: 0 }
          const reading = performance.now()
          for await (const { payloads } of opened.read()) count.records += payloads.length
          reads.push(performance.now() - reading)
          await opened.close()
          if (count.records !== records) throw new Error(`${count.records} records were read of ${records}`)
          return took
        },
        sqlite: async () => {
          const began = performance.now()
          let count = 0
          for (const _row of all.iterate()) count += 1
          if (count !== records) throw new Error(`${count} rows were read of ${records}`)
          return performance.now() - began
        },
      },
      rounds,
      log,
      'scan, ms',
    )
    database.close()
    const detail = {
      records,
      openMs: round3(median(figures.log)),
      sqliteMs: round3(median(figures.sqlite)),
      readMs: round3(median(reads)),
    }
    return { 'C-4.scan': { ...ratioOf(figures.log, figures.sqlite), detail } }
  },
}
