import { openKit, type Kit } from '@ipfs-kit/kit'
import { describe, expect, test } from 'vitest'
import { collect } from './collect.ts'
import { addFile, addFiles, openTemporaryKit } from './open-kit.ts'
import { temporaryHome } from './temporary-home.ts'

async function jobsOf(kit: Kit) {
  return (await kit.call('jobs.list', {})).jobs
}

describe('a call whose work is a job', () => {
  test('answers as without it, and the job tells what was done', async () => {
    const kit = await openTemporaryKit()
    const cid = await addFile(kit, 'a.txt', 'hello')
    expect(await kit.call('pins.add', { cid, name: 'mine' })).toEqual({ cid, type: 'recursive', name: 'mine' })
    expect(await kit.call('repo.gc', {})).toMatchObject({ removedBlocks: 0, keptBlocks: 1 })
    const lines = await collect(await kit.call('store.verify', {}))
    expect(lines).toMatchObject([{ items: 1, failed: 0 }])
    expect(await jobsOf(kit)).toMatchObject([
      { type: 'custom:verify', state: 'completed', percent: 100, items: 1 },
      { type: 'custom:gc', state: 'completed' },
      { type: 'pin', state: 'completed', stage: 'pinning', items: 1, attempts: 1 },
    ])
  })

  test('fails with the error of its work, and so does the job', async () => {
    const kit = await openTemporaryKit()
    const cid = await addFile(kit, 'a/b.txt', 'hello')
    const { ipfs } = kit
    const inner = (await ipfs.files.resolve(`${cid}/b.txt`)).toString()
    await ipfs.blockstore.delete(await ipfs.files.resolve(inner))
    await expect(kit.call('pins.add', { cid })).rejects.toMatchObject({
      code: 'IPFS_BLOCK_NOT_FOUND',
      kind: 'not-found',
    })
    const [job] = await jobsOf(kit)
    expect(job).toMatchObject({ type: 'pin', state: 'failed', failure: { code: 'IPFS_BLOCK_NOT_FOUND' } })
  })
})
