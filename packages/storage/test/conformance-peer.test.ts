import { createMemoryBackend } from '@ipfs-kit/storage'
import { type PeerFault, storageConformance } from '@ipfs-kit/storage/conformance'
import { describe, expect, test } from 'vitest'
import { failuresOf } from './collect.ts'
import { type Checks, faultyObject } from './faulty-peer.ts'

const faults: readonly PeerFault[] = ['truncated', 'wrong-bytes', 'endless', 'stalled']
const manyKeys = 10

function target(checks: Checks = {}) {
  const opens = faults.map((fault) => [fault, () => faultyObject(fault, checks)] as const)
  return {
    name: 'peer',
    open: async () => createMemoryBackend({ maxBytes: 64 * 1024 * 1024 }),
    faults: Object.fromEntries(opens),
    manyKeys,
    graceMs: 500,
  }
}

storageConformance(target(), { test })

describe('the suite refuses a backend that', () => {
  test.each([
    [
      'takes a body that ends early for whole',
      { length: false, digest: false },
      'a body that ends early does not end as if that were all',
    ],
    [
      'does not compare digests',
      { digest: false },
      'a body of other bytes than were put does not come to its end',
    ],
    [
      'takes more than was promised',
      { length: false },
      'a body that does not end is left when there is more than was promised',
    ],
    [
      'waits for ever',
      { deadline: false },
      'a body that stands still fails in time, or at once when it is aborted',
    ],
  ] as const)('%s', async (_does, checks, noticedBy) => {
    expect([...(await failuresOf(target(checks))).keys()]).toContain(noticedBy)
  })
})
