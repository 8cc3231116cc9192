import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLog } from '@ipfs-kit/wal'
import { expect, test } from 'vitest'
import { soak } from './crash/amount.ts'
import { killAppender, killInALoop } from './crash/kill-loop.ts'

test('what was answered is there after kill -9 under load', { timeout: 300_000 * soak }, () =>
  killInALoop(20 * soak),
)

test('a second process is refused while the first is there, and let in when that is killed', async () => {
  const home = await mkdtemp(join(tmpdir(), 'ipfs-kit-wal-'))
  const path = join(home, 'log')
  try {
    await killAppender(path, 2, 999, async () => {
      await expect(openLog({ path })).rejects.toMatchObject({ code: 'WAL_LOCKED', kind: 'conflict' })
    })
    await using log = await openLog({ path })
    expect(log.stats().nextLsn).toBeGreaterThan(1)
  } finally {
    await rm(home, { recursive: true })
  }
})
