import { tiered } from '@ipfs-kit/cache/tiered'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'
import { faultyMemory } from './tiered-doubles.ts'

const onBoth = forEachBackend(test, { seeds: 20 })

for (const keys of ['any', 'cid'] as const) {
  onBoth(`a probe writes, reads, lists and deletes where keys are ${keys}`, async () => {
    const far = faultyMemory('far')
    await using store = tiered([far], { keys })
    expect((await store.probe()).steps).toEqual(['write', 'read', 'list', 'delete'])
    expect(far.calls).toMatchObject({ put: 1, delete: 1 })
    expect((await far.good.list()).entries).toEqual([])
  })

  onBoth(`a probe that one of two stores has not taken leaves nothing in the other: ${keys}`, async () => {
    const [near, far] = [faultyMemory('near'), faultyMemory('far', { failsPuts: true })]
    await using store = tiered([near, far], { keys, minCopies: 2 })
    await expect(store.probe()).rejects.toMatchObject({ code: 'CACHE_PUT_TOO_FEW' })
    expect(near.calls).toMatchObject({ put: 1 })
    expect((await near.good.list()).entries).toEqual([])
  })
}
