import { forEachBackend, simulate } from '@ipfs-kit/concurrency/testing'
import { random, sleep } from '@ipfs-kit/concurrency'
import { simDisk } from '@ipfs-kit/disk'
import { expect, test } from 'vitest'
import { addOn, all, bytesOf, cidOf, eventually, faulty, openWorld, untilMet } from './placement-on.ts'

const both = forEachBackend(test, { seeds: 10 })

both('what is queued is made after it was opened again, and not promised twice', async () => {
  const backends = { a: faulty('a'), b: faulty('b'), c: faulty('c') }
  const disk = simDisk({ seed: 3 })
  {
    await using world = await openWorld({ backends, disk, wal: { executor: 'off' } })
    for (let number = 0; number < 20; number += 1) await addOn(world, number, 'b')
    expect(world.placement.stats()).toMatchObject({ queued: 20, copied: 0 })
    expect(await all(world.placement.retained())).toHaveLength(20)
    expect(await world.wal.retainedCids()).toHaveLength(20)
  }
  await using world = await openWorld({ backends, disk })
  for (let number = 0; number < 20; number += 1) await untilMet(world, cidOf(number))
  await eventually(
    () => world.placement.stats().queued === 0,
    () => world.placement.stats(),
  )
  expect((await world.wal.list({ limit: 100 })).operations).toHaveLength(20)
  expect(await all(world.placement.retained())).toEqual([])
})

both('no more copies are queued at once than may be, and all are made', async () => {
  const backends = { a: faulty('a'), b: faulty('b'), c: faulty('c') }
  const disk = simDisk({ seed: 4 })
  const placement = { maxQueued: 4, intervalMs: 3_600_000 }
  {
    await using world = await openWorld({ backends, disk, placement, wal: { executor: 'off' } })
    for (let number = 0; number < 30; number += 1) await addOn(world, number, 'b')
    await world.placement.evaluate()
    expect(world.placement.stats().queued).toBe(4)
    expect((await world.wal.list({ limit: 100 })).operations).toHaveLength(4)
  }
  await using world = await openWorld({ backends, disk, placement })
  for (let number = 0; number < 30; number += 1) await untilMet(world, cidOf(number))
})

test(
  'whatever crashes, content that was added gets its copies, and what is said to be a copy is one',
  { timeout: 120_000 },
  async () => {
    const { failed } = await simulate(
      async () => {
        const whole = (below: number): number => Math.floor(random() * below)
        const backends = { a: faulty('a'), b: faulty('b'), c: faulty('c') }
        const added: number[] = []
        let disk = simDisk({ seed: whole(2 ** 31), faults: { tearing: 0.3, latencyMs: whole(2) } })
        for (let life = 0; life < 2; life += 1) {
          const world = await openWorld({ backends, disk })
          disk.crashAt('any', 1 + whole(150))
          for (let step = 0; step < 8 && !disk.dead; step += 1) {
            const number = life * 10 + step
            try {
              await addOn(world, number, 'b')
              added.push(number)
            } catch (error) {
              expect(disk.dead, String(error)).toBe(true)
            }
          }
          await sleep(whole(30))
          const next = disk.crash()
          await Promise.allSettled([world.wal.close(), world.placement.close()])
          disk = next
        }
        await using world = await openWorld({ backends, disk })
        for (const number of added) {
          const { copies } = await untilMet(world, cidOf(number))
          for (const { backend, state } of copies) {
            if (state !== 'ok') continue
            const object = await backends[backend as 'a']!.get(cidOf(number))
            const pieces: Uint8Array[] = []
            for await (const piece of object!.body) pieces.push(piece)
            expect(Buffer.concat(pieces).equals(bytesOf(number))).toBe(true)
          }
        }
      },
      { seeds: 40, maxFailures: 1 },
    )
    expect(failed[0]?.error).toBeUndefined()
  },
)
