import assert from 'node:assert/strict'
import { simDisk } from '@ipfs-kit/disk'
import type { Disk } from '@ipfs-kit/disk'

/** Replaces a file so that after a crash there is the old text or the new one, and no third. */
async function replace(disk: Disk, text: string, careful: boolean): Promise<void> {
  const file = await disk.open('/settings.new', 'create')
  await file.truncate(0)
  await file.write([Buffer.from(text)], 0)
  if (careful) await file.sync()
  await file.close()
  await disk.rename('/settings.new', '/settings')
  if (careful) await disk.syncFolder('/')
}

async function textOf(disk: Disk): Promise<string> {
  const file = await disk.open('/settings', 'read')
  const into = new Uint8Array(await file.size())
  await file.read(into, 0)
  await file.close()
  return Buffer.from(into).toString()
}

/** What is found after a crash, under a hundred seeds. Each of them crashes in the same way each time. */
async function found(careful: boolean): Promise<Set<string>> {
  const texts = new Set<string>()
  for (let seed = 0; seed < 100; seed += 1) {
    const disk = simDisk({ seed })
    await replace(disk, 'old', true)
    // In the middle of one of the operations that follow.
    disk.crashAt('any', 1 + (seed % 7))
    await replace(disk, 'new', careful).catch(() => undefined)
    texts.add(await textOf(disk.crash()))
  }
  return texts
}

assert.deepEqual(await found(true), new Set(['old', 'new']))
// Without the sync there are empty files, zeros and torn ones.
assert((await found(false)).size > 2)
