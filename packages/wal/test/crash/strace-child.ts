/** Appends one record after the other, and says what came of each. */
import { writeSync } from 'node:fs'
import { openLog } from '@ipfs-kit/wal'

const log = await openLog({ path: process.argv[2]!, segmentBytes: 4096 })
for (let nth = 0; nth < 20; nth += 1) {
  try {
    // Some fill a segment, so that the next one begins.
    await log.append(Buffer.alloc(300 + nth, 'x'))
    writeSync(1, `answered ${nth}\n`)
  } catch (error) {
    writeSync(1, `refused ${(error as { code?: string }).code}\n`)
  }
}
await log.close()
