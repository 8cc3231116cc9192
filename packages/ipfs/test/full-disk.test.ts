import { fileURLToPath } from 'node:url'
import { runMounting } from '@ipfs-kit/disk/testing'
import { expect, it } from 'vitest'
import { folder } from './opened.ts'

const child = fileURLToPath(new URL('./full-disk-child.ts', import.meta.url))

it('on a disk that is full or read-only writes are refused, reads go on, and with room again all works', async (context) => {
  const place = await folder()
  const run = runMounting(place, ['--conditions=@ipfs-kit/source', child, place])
  if (run === undefined) {
    context.skip('needs a small file system, and nothing may be mounted here')
    return
  }
  expect([run.status, run.stderr, run.stdout]).toEqual([0, '', 'all held\n'])
})
