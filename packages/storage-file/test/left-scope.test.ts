import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { taskGroup } from '@ipfs-kit/concurrency'
import { openFileBackend } from '@ipfs-kit/storage-file'
import { expect, test } from 'vitest'

test('a task that has read a body to its end may end at once, or have left it', async () => {
  const path = await mkdtemp(join(tmpdir(), 'ipfs-kit-file-'))
  try {
    await using backend = await openFileBackend({ path, durability: 'written' })
    await backend.put('a', new Uint8Array(1000))
    await backend.put('empty', new Uint8Array())
    await taskGroup(async (group) => {
      group.spawn(async () => void (await backend.get('empty')))
      for (const isLeft of [true, false]) {
        group.spawn(async () => {
          const object = await backend.get('a')
          for await (const _piece of object!.body) if (isLeft) break
        })
      }
    })
    expect(backend.stats().readers).toBe(0)
  } finally {
    await rm(path, { recursive: true })
  }
})
