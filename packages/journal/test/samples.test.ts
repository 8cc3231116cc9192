import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import { openOn } from './open-on.ts'

const each = forEachBackend(test, { seeds: 3 })

each('each checkpoint leaves a sample, which later openings have', async () => {
  const disk = simDisk({ seed: 1 })
  let time = 1000
  const clock = () => time
  const sizes: number[] = []
  {
    await using opened = await openOn(disk, { clock, keepCheckpoints: 1 })
    const { journal } = opened
    expect(journal.samples()).toEqual([])
    for (let nth = 1; nth <= 3; nth += 1) {
      await journal.write(`/${nth}`, Buffer.alloc(1000 * nth, nth))
      time += 1000
      await journal.checkpoint()
      sizes.push((await journal.stat('/')).dagBytes!)
    }
    // What changes nothing is none, and a name is no change.
    await journal.checkpoint()
    await journal.snapshot('named')
    await journal.removeSnapshot('named')
  }
  await using opened = await openOn(disk, { clock, keepCheckpoints: 1 })
  const samples = opened.journal.samples()
  expect(samples.map(({ at, sequence }) => [at, sequence])).toEqual([
    [2000, 1],
    [3000, 2],
    [4000, 3],
  ])
  expect(samples.map(({ treeBytes }) => treeBytes)).toEqual(sizes)
  for (const { logBytes } of samples) expect(logBytes).toBeGreaterThan(0)
  expect(Object.isFrozen(samples[0])).toBe(true)
})

test('they are no more than 64, from the first to the last, the older the sparser', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }), { clock: () => 1 })
  const { journal } = opened
  for (let nth = 1; nth <= 300; nth += 1) {
    await journal.mkdir(`/${nth}`)
    await journal.checkpoint()
    const sequences = journal.samples().map(({ sequence }) => sequence)
    expect(sequences.length).toBeLessThanOrEqual(64)
    expect([sequences[0], sequences.at(-1)]).toEqual([1, nth])
  }
  const sequences = journal.samples().map(({ sequence }) => sequence)
  expect(sequences).toEqual([...new Set(sequences)].toSorted((left, right) => left - right))
  const gaps = sequences.slice(1).map((sequence, at) => sequence - sequences[at]!)
  expect(gaps.slice(-30).every((gap) => gap === 1)).toBe(true)
  expect(gaps[0]).toBeGreaterThan(4)
})
