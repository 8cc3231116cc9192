import assert from 'node:assert/strict'
import { createMemoryBackend } from '@ipfs-kit/storage'
import { backendEnd, copy, plan, sync, verify } from '@ipfs-kit/transfer'

const photos = createMemoryBackend({ name: 'photos', maxBytes: 1024 * 1024 })
const archive = createMemoryBackend({ name: 'archive', maxBytes: 1024 * 1024 })
const text = (said: string) => new TextEncoder().encode(said)
await photos.put('2024/a.jpg', text('a'))
await photos.put('2024/b.jpg', text('b'))
await photos.put('2024/b.tmp', text('half'))
await archive.put('years/2024/b.jpg', text('another b'))

// A key that ends with a slash stands for all that is below it.
const source = backendEnd(photos, '2024/')
const target = backendEnd(archive, 'years/2024/')

// What would be done, and nothing of it is.
const planned: string[] = []
for await (const { path, state } of plan(source, target, { exclude: ['**/*.tmp'] }))
  planned.push(`${path} ${state}`)
assert.deepEqual(planned, ['a.jpg new', 'b.jpg different'])

const outcomes: string[] = []
const report = await copy(source, target, {
  exclude: ['**/*.tmp'],
  bytesPerSecond: 10 * 1024 * 1024,
  // One object that fails is told here, and does not end the others.
  onItem: ({ path, outcome }) => outcomes.push(`${path} ${outcome}`),
})
assert.deepEqual(outcomes.sort(), ['a.jpg sent', 'b.jpg sent'])
assert.deepEqual({ sent: report.sent, failed: report.failed }, { sent: 2, failed: 0 })

// A second time nothing is sent; what only the target has is deleted if that is asked for.
await photos.delete('2024/b.jpg')
const synced = await sync(source, target, { exclude: ['**/*.tmp'], extras: 'delete' })
assert.deepEqual(
  { sent: synced.sent, same: synced.same, deleted: synced.deleted },
  { sent: 0, same: 1, deleted: 1 },
)

// All bytes of both sides are read.
assert.equal((await verify(source, target, { exclude: ['**/*.tmp'] })).failed, 0)

// What cannot work is refused before bytes move.
await assert.rejects(copy(source, backendEnd(photos, '2024/copy/')), { code: 'TRANSFER_OVERLAP' })

await photos.close()
await archive.close()
