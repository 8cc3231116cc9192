import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { random } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { nodeDisk, simDisk } from '@ipfs-kit/disk'
import { type FaultyObject, storageConformance } from '@ipfs-kit/storage/conformance'
import { type FileBackend, type FileBackendOptions, openFileBackend } from '@ipfs-kit/storage-file'
import { afterAll, test } from 'vitest'

const folders: string[] = []
afterAll(async () => {
  for (const path of folders) await rm(path, { recursive: true })
})

async function openReal(options: Omit<FileBackendOptions, 'path'>): Promise<FileBackend> {
  const path = await mkdtemp(join(tmpdir(), 'storage-file-'))
  folders.push(path)
  return openFileBackend({ path, ...options })
}

/** A device that gives other bytes than were written, which changes no time. */
async function wrongBytes(): Promise<FaultyObject> {
  const ms = 1_700_000_000_000
  const backend = await openReal({ now: () => ms })
  const bytes = new Uint8Array(600_000).map((_, at) => at % 251)
  await backend.put('object', bytes)
  const file = await nodeDisk().open(join(backend.path, 'object'), 'write')
  await file.write([Uint8Array.of(255)], 5)
  await file.setModified(ms)
  await file.close()
  return { backend, key: 'object', bytes }
}

for (const durability of ['synced', 'written'] as const) {
  storageConformance(
    {
      name: `a real folder, ${durability}`,
      manyKeys: 300,
      open: () => openReal({ durability }),
      faults: { 'wrong-bytes': wrongBytes },
    },
    { test },
  )
}

storageConformance(
  {
    name: 'a simulated disk',
    manyKeys: 100,
    open: async () => {
      const disk = simDisk({ seed: Math.floor(random() * 2 ** 32), faults: { latencyMs: 2 } })
      return openFileBackend({ path: '/folder', disk })
    },
  },
  { test: forEachBackend(test, { seeds: 3 }) },
)
