/** A process that appends until it is killed. Says each LSN with what it holds once that was acknowledged. */
import { writeSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { openLog } from '@ipfs-kit/wal'

// It dies before it would keep what it has compiled for the next one.
flushCompileCache()
const [path = '', round = '0'] = process.argv.slice(2)
const log = await openLog({ path, segmentBytes: 65_536 })
writeSync(1, `open ${log.findings.filter(({ kind }) => kind !== 'torn-tail').length}\n`)

const appender = async (name: string): Promise<void> => {
  for (let nth = 0; ; nth += 1) {
    const batch = Array.from({ length: 1 + (nth % 3) }, (_, at) => `${round}.${name}.${nth}.${at}`)
    const lsns = await log.appendMany(batch.map((text) => Buffer.from(text.padEnd(120, '-'))))
    // A line is said at once, or not at all.
    writeSync(1, lsns.map((lsn, at) => `${lsn} ${batch[at]}\n`).join(''))
  }
}
const dropper = async (): Promise<void> => {
  for (;;) {
    await log.append(Buffer.from(`${round}.dropper`.padEnd(120, '-')))
    const { nextLsn } = log.stats()
    if (nextLsn > 2000) await log.dropBefore(nextLsn - 2000)
  }
}
await Promise.all(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map(appender).concat(dropper()))
