import { taskGroup } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import { cidOf, contentOf, openOn, rowOf } from './open-on.ts'

const both = forEachBackend(test, { seeds: 20 })

both('changes of one CID come one after the other, and those of many side by side', async () => {
  await using catalog = await openOn(simDisk({ seed: 1, faults: { latencyMs: 1 } }))
  await taskGroup((group) => {
    for (let task = 0; task < 40; task += 1) {
      group.spawn(() =>
        catalog.change(cidOf(task % 4), (row) => {
          const { content, ...rest } = row ?? rowOf(0)
          return { ...rest, content: { ...content, bytes: content.bytes + 1 } }
        }),
      )
    }
  })
  expect([...contentOf(catalog).values()]).toEqual([10, 10, 10, 10])
  expect(catalog.get(cidOf(1))).toMatchObject({
    revision: 10,
    content: { cid: cidOf(1).toString(), bytes: 10 },
  })
})

both(
  'what was acknowledged is there after it was opened again, also when the log was made smaller meanwhile',
  async () => {
    const disk = simDisk({ seed: 2, faults: { latencyMs: 1 } })
    {
      await using catalog = await openOn(disk)
      for (let key = 0; key < 20; key += 1) await catalog.change(cidOf(key), () => rowOf(key))
      await taskGroup((group) => {
        group.spawn(() => catalog.compact())
        for (let key = 0; key < 30; key += 1) {
          group.spawn(() => catalog.change(cidOf(key), () => (key % 5 === 0 ? undefined : rowOf(key + 100))))
        }
      })
    }
    await using catalog = await openOn(disk)
    const expected = Array.from({ length: 30 }, (_, key) => key).filter((key) => key % 5 !== 0)
    expect(contentOf(catalog)).toEqual(
      new Map(expected.map((key) => [cidOf(key).toString(), key + 100] as const)),
    )
    const { content, copies } = rowOf(103)
    expect(catalog.get(cidOf(3))).toMatchObject({ content, copies })
  },
)

test('the log does not grow with the changes', async () => {
  const disk = simDisk({ seed: 3 })
  await using catalog = await openOn(disk)
  for (let round = 0; round < 10_010; round += 1) await catalog.change(cidOf(round % 4), () => rowOf(round))
  expect(catalog.isLarge).toBe(true)
  const before = catalog.diskBytes
  await catalog.compact()
  expect(catalog.isLarge).toBe(false)
  expect(catalog.diskBytes).toBeLessThan(before / 10)
})

test('a change that changes nothing writes nothing', async () => {
  const disk = simDisk({ seed: 4 })
  await using catalog = await openOn(disk)
  await catalog.change(cidOf(1), () => rowOf(1))
  const { writtenBytes } = disk.stats()
  await catalog.change(cidOf(1), (row) => row)
  expect(disk.stats().writtenBytes).toBe(writtenBytes)
  expect(catalog.get(cidOf(1))?.revision).toBe(1)
})

test('what the disk refuses is told, and is not there', async () => {
  const disk = simDisk({ seed: 5 })
  const catalog = await openOn(disk)
  await catalog.change(cidOf(1), () => rowOf(1))
  disk.failAt('write', 1, 'ENOSPC')
  await expect(catalog.change(cidOf(1), () => rowOf(9))).rejects.toMatchObject({
    code: 'PLACEMENT_CATALOG_FAILED',
  })
  expect(catalog.get(cidOf(1))?.content.bytes).toBe(1)
  await catalog.close()
  await expect(catalog.change(cidOf(1), () => rowOf(9))).rejects.toMatchObject({ code: 'PLACEMENT_CLOSED' })
})
