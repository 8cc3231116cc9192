import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMemoryBackend } from '@ipfs-kit/storage'
import { backendEnd, readManifest, transferJobs } from '@ipfs-kit/transfer'
import { openWal } from '@ipfs-kit/wal'

const stores = {
  old: createMemoryBackend({ name: 'old', maxBytes: 1024 * 1024 }),
  new: createMemoryBackend({ name: 'new', maxBytes: 1024 * 1024 }),
}
await stores.old.put('data/1', new TextEncoder().encode('one'))

const folder = await mkdtemp(join(tmpdir(), 'transfer-'))
const types = transferJobs({
  // Parameters of jobs are addresses: what they mean, and the secrets that they need, is known here.
  async openEnd(address) {
    const [store, key = ''] = address.split(':')
    return { end: backendEnd(stores[store as 'old' | 'new'], key), [Symbol.asyncDispose]: async () => {} }
  },
})
{
  await using wal = await openWal({ path: join(folder, 'log'), types })

  // It is copied, both sides are read, a manifest is written, and then the originals are deleted.
  const { operation } = await wal.append({
    type: 'custom:transfer-migrate',
    params: { from: 'old:data/', to: 'new:data/', manifest: 'new:manifest.json', originals: 'remove' },
  })
  const { state, result } = await wal.wait(operation.id)
  assert.equal(state, 'completed')
  const { manifest, removed } = result as { manifest: { cid: string }; removed: number }
  assert.equal(removed, 1)

  const pieces: Uint8Array[] = []
  for await (const piece of (await stores.new.get('manifest.json'))!.body) pieces.push(piece)
  const { entries, copies } = readManifest(Buffer.concat(pieces), manifest.cid)
  assert.deepEqual(
    entries.map(({ path, size }) => ({ path, size })),
    [{ path: '1', size: 3 }],
  )
  assert.deepEqual(
    copies.map(({ address }) => address),
    ['new:data/'],
  )
}
await rm(folder, { recursive: true })
