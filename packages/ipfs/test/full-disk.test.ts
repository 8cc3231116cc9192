import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { folder } from './opened.ts'

const child = fileURLToPath(new URL('./full-disk-child.ts', import.meta.url))

/** Ways to a process that may mount: in a user namespace of its own, or as root in a mount namespace. */
const ways = [
  ['unshare', '-rm'],
  ['unshare', '-m'],
] as const

it('on a disk that is full or read-only writes are refused, reads go on, and with room again all works', async (context) => {
  const place = await folder()
  const way = ways.find(([program, ...parameters]) => {
    return spawnSync(program, [...parameters, 'mount', '-t', 'tmpfs', 'tmpfs', place]).status === 0
  })
  if (way === undefined) {
    context.skip('needs a small file system: neither `unshare -rm` nor `unshare -m` may mount a tmpfs here')
    return
  }
  const [program, ...parameters] = way
  const run = spawnSync(
    program,
    [...parameters, process.execPath, '--conditions=@ipfs-kit/source', child, place],
    {
      encoding: 'utf8',
    },
  )
  expect([run.status, run.stderr, run.stdout]).toEqual([0, '', 'all held\n'])
})
