/** Cases about bytes that come from elsewhere, and come wrong. */
import assert from 'node:assert/strict'
import { assertCode, assertRejectsWith } from './ground.ts'
import type { Ground } from './ground.ts'
import type { FaultyObject, PeerFault } from './suite.ts'

/** One fact of how a backend takes a fault. */
export interface PeerCase {
  readonly fault: PeerFault
  readonly title: string
  readonly run: (ground: Ground, object: FaultyObject) => Promise<void>
}

/** Reads what comes of an object. @returns how many bytes came before it ended or failed, and what it failed with */
async function drain(
  { backend, key, bytes }: FaultyObject,
  signal?: AbortSignal,
): Promise<{ readonly received: number; readonly ending: Promise<void> }> {
  let received = 0
  const found = await backend.get(key, signal === undefined ? {} : { signal })
  assert.ok(found, 'the object is there')
  assert.equal(found.length, bytes.byteLength)
  try {
    for await (const chunk of found.body) {
      received += chunk.byteLength
      assert.ok(received <= bytes.byteLength, 'more bytes come than the object has')
    }
  } catch (error) {
    return { received, ending: Promise.reject(error) }
  }
  return { received, ending: Promise.resolve() }
}

export const peerCases: readonly PeerCase[] = [
  {
    fault: 'truncated',
    title: 'a body that ends early does not end as if that were all',
    run: async (ground, object) => {
      await assertCode((await ground.settles(drain(object), 'the read began')).ending, 'STORAGE_CORRUPT')
    },
  },
  {
    fault: 'wrong-bytes',
    title: 'a body of other bytes than were put does not come to its end',
    run: async (ground, object) => {
      const { received, ending } = await ground.settles(drain(object), 'the read began')
      await assertCode(ending, 'STORAGE_CORRUPT')
      assert.ok(received < object.bytes.byteLength, 'the last of the bytes is held back until all are proven')
    },
  },
  {
    fault: 'endless',
    title: 'a body that does not end is left when there is more than was promised',
    run: async (ground, object) => {
      await assertCode((await ground.settles(drain(object), 'the read began')).ending, 'STORAGE_CORRUPT')
    },
  },
  {
    fault: 'stalled',
    title: 'a body that stands still fails in time, or at once when it is aborted',
    run: async (ground, object) => {
      await assertCode(
        (await ground.settles(drain(object), 'the body stood still')).ending,
        'STORAGE_UNAVAILABLE',
      )
      const controller = new AbortController()
      const reason = new Error('given up while it stands still')
      const draining = drain(object, controller.signal)
      controller.abort(reason)
      await assertRejectsWith(
        ground.settles(
          draining.then(({ ending }) => ending),
          'the abort',
        ),
        reason,
      )
    },
  },
]
