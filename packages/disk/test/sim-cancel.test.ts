import { taskGroup } from '@ipfs-kit/concurrency'
import { cancelAtEveryStep } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'
import { bytesAt, filled, freshDisk } from './ground.ts'

test('a caller that is cancelled at whatever step leaves whole writes, no open file and no lock', async () => {
  const { cancellations } = await cancelAtEveryStep(async (victim) => {
    const disk = await freshDisk(1, { shortWrites: 0.5, latencyMs: 5 })
    await taskGroup(async (group) => {
      await victim(async () => {
        const lock = await disk.lock('/f/lock')
        try {
          const file = await disk.open('/f/x', 'create')
          try {
            await file.write([filled(1000, 1)], 0)
            await file.sync()
            await file.write([filled(1000, 2)], 1000)
          } finally {
            await file.close()
          }
        } finally {
          await lock.close()
        }
      })
      group.spawn(() => disk.stat('/f'))
    })
    expect(disk.stats()).toMatchObject({ openFiles: 0, locks: 0 })
    const bytes = await bytesAt(disk, '/f/x')
    expect([undefined, 0, 1000, 2000]).toContain(bytes?.byteLength)
  })
  expect(cancellations).toBeGreaterThan(0)
})
