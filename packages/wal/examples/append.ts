import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLog } from '@ipfs-kit/wal'

const folder = await mkdtemp(join(tmpdir(), 'wal-'))
const path = join(folder, 'log')
{
  await using log = await openLog({ path })

  // It resolves when the record survives a power loss. Who waits at the same time shares the sync.
  const lsns = await Promise.all([
    log.append(Buffer.from('add photo.jpg')),
    log.append(Buffer.from('pin it')),
  ])
  assert.deepEqual(lsns, [1, 2])

  // These are there together, or not at all.
  const [done] = await log.appendMany([Buffer.from('done with 1'), Buffer.from('copy it')])
  assert.equal(done, 3)
}

await using log = await openLog({ path })
// What was not as it should be: empty after a close, a torn end after a power loss.
assert.deepEqual(log.findings, [])

const found: string[] = []
for await (const { firstLsn, payloads } of log.read({ from: 2 })) {
  payloads.forEach((payload, at) => found.push(`${firstLsn + at} ${Buffer.from(payload).toString()}`))
}
assert.deepEqual(found, ['2 pin it', '3 done with 1', '4 copy it'])

// Whole segments that nobody needs any more go; here the only one stays.
assert.equal(await log.dropBefore(4), 0)
assert.equal(log.stats().nextLsn, 5)

await log.close()
await rm(folder, { recursive: true })
