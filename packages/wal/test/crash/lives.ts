/** Lives of a log, each of which ends in a power loss or in the death of its process. */
import assert from 'node:assert/strict'
import { type SimDisk, simDisk } from '@ipfs-kit/disk'
import type { Log } from '@ipfs-kit/wal'
import type { LogOptions } from '../../src/log/open-log.ts'
import { openOn } from '../open-on.ts'
import { soak } from './amount.ts'
import { whole, World } from './world.ts'

/** How the lives are. */
export interface LivesOptions {
  readonly options?: Partial<LogOptions>
  /** Lets something go wrong besides. */
  readonly harm?: (disk: SimDisk) => void
}

const calm = { readErrors: 0, writeErrors: 0, syncErrors: 0, capacityBytes: 1024 ** 4 }

/** Lives one after the other, and openings that fail or crash between them: three in the soak, else two. */
export async function liveAndCrash({ options = {}, harm }: LivesOptions): Promise<void> {
  const world = new World()
  let disk = simDisk({ seed: whole(2 ** 31), faults: { tearing: 0.3, latencyMs: whole(2) * 3 } })
  for (let life = 0; life < (soak > 1 ? 3 : 2); life += 1) {
    disk = await openInVain(disk, options)
    const log = await world.check(disk, options)
    harm?.(disk)
    if (whole(4) > 0) disk.crashAt('any', 1 + whole(100))
    await world.live(log, 6)
    // A log that has stopped is opened again by the same process, or the next.
    const next = whole(4) === 0 ? disk.kill() : disk.crash()
    await closeDead(log)
    disk = next
    disk.setFaults(calm)
  }
  const log = await world.check(disk, options)
  await log.close()
  await (await world.check(disk, options)).close()
}

/** Opening crashes or fails, at another place each time. */
async function openInVain(disk: SimDisk, options: Partial<LogOptions>): Promise<SimDisk> {
  let current = disk
  for (let times = whole(3); times > 0; times -= 1) {
    const crashes = whole(2) === 0
    if (crashes) current.crashAt('any', 1 + whole(25))
    else current.failAt('any', 1 + whole(25))
    let log: Log | undefined
    try {
      log = await openOn(current, options)
    } catch (error) {
      const { code = '' } = error as { code?: string }
      assert.ok(['WAL_IO', 'WAL_SYNC_FAILED'].includes(code), String(error))
    }
    const next = crashes && whole(2) === 0 ? current.crash() : current.kill()
    if (log !== undefined) await closeDead(log)
    current = next
  }
  return current
}

/** Closes the log of a process that is dead: it ends, whatever it says. */
async function closeDead(log: Log): Promise<void> {
  try {
    await log.close()
  } catch (error) {
    assert.ok(['WalError', 'DiskError'].includes((error as Error).name), String(error))
  }
}
