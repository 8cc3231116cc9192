import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { openPlacement, type Policy } from '@ipfs-kit/placement'
import { createMemoryBackend } from '@ipfs-kit/storage'
import { openWal, type Wal } from '@ipfs-kit/wal'

const folder = await mkdtemp(join(tmpdir(), 'placement-'))
// These stand for disks and buckets: of a backend that is in memory indeed it would say `durability: 'memory'`.
const [nas, bucket, tape] = ['nas', 'bucket', 'tape'].map((name) =>
  createMemoryBackend({ name, failureDomain: name, maxBytes: 1024 * 1024 }),
) as [
  ReturnType<typeof createMemoryBackend>,
  ReturnType<typeof createMemoryBackend>,
  ReturnType<typeof createMemoryBackend>,
]

const policy: Policy = {
  rules: [
    {
      name: 'drafts',
      when: { names: ['drafts/*'], maxAgeDays: 30 },
      keep: { minimum: 1, target: 1, maximum: 2 },
    },
  ],
  otherwise: { minimum: 2, target: 2, maximum: 3, offSite: true, maxCostPerGiBMonth: 0.05 },
}

let wal: Wal | undefined
const placement = await openPlacement({
  path: join(folder, 'copies'),
  policy,
  backends: [
    { backend: nas, costPerGiBMonth: 0.01 },
    { backend: bucket, offSite: true, costPerGiBMonth: 0.02 },
    { backend: tape, costPerGiBMonth: 0.001 },
  ],
  openWal: async (types) => (wal = await openWal({ path: join(folder, 'log'), types, index: 'memory' })),
})

const cid = 'bafkreibme22gw2h7y2h7tg2fhqotaqjucnbc24deqo72b6mkl2egezxhvy'
await nas.put(cid, new TextEncoder().encode('foo'))
const added = await placement.add({ cid, bytes: 3, name: 'photos/1.jpg', on: ['nas'] })
assert.equal(added.state, 'under')
assert.deepEqual(added.missing, ['bucket'])

while (placement.health(cid).state !== 'met') await setTimeout(5)
const { domains, evidence } = placement.health(cid)
assert.deepEqual(domains, ['bucket', 'nas'])
assert.equal(evidence[0], '2 copies count, of at least 2, 2 wanted and 3 at most')

// A copy that was lost without a word is found by reading, and made again.
await bucket.delete(cid)
assert.equal((await placement.verify(cid)).state, 'under')
while (placement.health(cid).state !== 'met') await setTimeout(5)

// A policy that cannot be met is refused at once.
assert.throws(() => placement.setPolicy({ otherwise: { minimum: 4, target: 4, maximum: 4 } }), {
  code: 'PLACEMENT_IMPOSSIBLE',
})

await wal?.close()
await placement.close()
await rm(folder, { recursive: true })
