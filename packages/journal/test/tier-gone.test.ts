import { sleep } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { type Disk, simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import { NearAndPacks } from './near-and-packs.ts'
import { openOn, type Opened } from './open-on.ts'

const each = forEachBackend(test, { seeds: 5 })

class PacksOnly extends NearAndPacks {
  override names(): readonly string[] {
    return ['packs']
  }
}

async function openWith(Tiers: typeof NearAndPacks, disk: Disk): Promise<Opened> {
  let opened: Opened | undefined
  opened = await openOn(disk, { tiers: new Tiers(() => opened!.blocks) })
  return opened
}

each('a pin to a tier that is gone has failed, until it is one to another tier', async () => {
  const disk = simDisk({ seed: 1 })
  {
    await using opened = await openWith(NearAndPacks, disk)
    await opened.journal.mkdir('/hot')
    await opened.journal.pinToTier('/hot', 'near')
  }
  await using opened = await openWith(PacksOnly, disk)
  const { journal } = opened
  await journal.write('/hot/f', Buffer.from('f'))
  await sleep(1)
  const failure = { code: 'JOURNAL_TIER_UNKNOWN' }
  expect(journal.tierPins()).toMatchObject([{ path: '/hot', tier: 'near', state: 'failed', failure }])
  await journal.pinToTier('/hot', 'packs')
  while (journal.tierPins().some(({ state }) => state === 'moving')) await sleep(1)
  expect(journal.tierPins()).toEqual([{ path: '/hot', tier: 'packs', state: 'moved', refused: 0 }])
})
