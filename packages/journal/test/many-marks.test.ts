import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import { openOn } from './open-on.ts'

const each = forEachBackend(test, { seeds: 1 })

each('many paths of one folder have attributes, and lose them again, each by itself', async () => {
  const disk = simDisk({ seed: 1 })
  const names = Array.from({ length: 1200 }, (_, nth) => `n${nth}`)
  const attributesOf = (nth: number) => ({ nth: `${nth}` })
  {
    await using opened = await openOn(disk, { segmentBytes: 1024 ** 2 })
    const { journal } = opened
    await using transaction = journal.begin()
    for (const name of names) await transaction.mkdir(`/d/${name}`, { parents: true })
    await transaction.commit()
    for (const [nth, name] of names.entries()) await journal.setAttributes(`/d/${name}`, attributesOf(nth))
    await journal.checkpoint()
  }
  {
    await using opened = await openOn(disk, { segmentBytes: 1024 ** 2 })
    const { journal } = opened
    for (const [nth, name] of names.entries()) {
      if (nth % 3 === 0) await journal.setAttributes(`/d/${name}`, { nth: undefined })
      if (nth % 3 === 1) await journal.rm(`/d/${name}`)
    }
    await journal.mv('/d', '/moved')
  }
  await using opened = await openOn(disk, { segmentBytes: 1024 ** 2 })
  const { journal } = opened
  const { entries } = await journal.ls('/moved', { long: true, limit: 10_000 })
  const found = new Map(entries.map(({ name, attributes }) => [name, attributes]))
  const wanted = names.flatMap((name, nth) =>
    nth % 3 === 1 ? [] : [[name, nth % 3 === 0 ? undefined : attributesOf(nth)] as const],
  )
  expect(found).toEqual(new Map(wanted))
})
