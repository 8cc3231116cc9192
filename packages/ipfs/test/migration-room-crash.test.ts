import { simulate } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'
import type { Pin } from '../src/pins.ts'
import { findOldBlocks } from '../src/old-blocks.ts'
import { ended, leaves, nodeOver, oldDisk, opened, type Opened, path, readAll, whole } from './old-disk.ts'

test('whatever a power loss takes in a store without room, all that is pinned is there, and moves in the end', async () => {
  const { failed } = await simulate(
    async () => {
      const kept = leaves(5 + whole(60), 5000, 'kept')
      const root = nodeOver(kept)
      const pins = (): Pin[] => [{ cid: root.cid, depth: Infinity, metadata: {} }]
      let disk = await oldDisk([...leaves(150 + whole(150), 5000, 'garbage'), ...kept, root])
      const open = (): Promise<Opened> =>
        opened(disk, { maxBytes: 2 ** 20, pins, batchBlocks: 5 + whole(60) })
      for (let life = 0; life < 4; life += 1) {
        if ((await findOldBlocks(disk, path)) === undefined) break
        disk.crashAt('any', 1 + whole(6000))
        let home: Opened | undefined
        try {
          home = await open()
          await ended(home)
          await readAll(home.blocks, [root, ...kept])
          if (whole(2) === 0) await home.blocks.collect()
          await readAll(home.blocks, [root, ...kept])
          await home.blocks.close()
        } catch (error) {
          if (!disk.dead) throw error
          await home?.blocks.close().catch(() => {})
        }
        disk = life % 2 === 0 ? disk.crash() : disk.kill()
      }
      if ((await findOldBlocks(disk, path)) === undefined) return
      const home = await open()
      await ended(home)
      await readAll(home.blocks, [root, ...kept])
      await home.blocks.collect()
      expect(home.migration.progress()).toMatchObject({ state: 'done', damaged: 0 })
      await readAll(home.packs, [root, ...kept])
      await home.blocks.close()
    },
    { seeds: 25, maxFailures: 1 },
  )
  expect(failed).toEqual([])
})
