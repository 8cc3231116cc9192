import { sleep } from '@ipfs-kit/concurrency'
import { simulate } from '@ipfs-kit/concurrency/testing'
import { expect, test } from 'vitest'
import { KeyTurns } from '../src/key-turns.ts'
import { leaves, whole } from './old-disk.ts'

test('one at a time has the turn of a block, whether they come at once or wait for the same end', async () => {
  const { failed } = await simulate(
    async () => {
      const turns = new KeyTurns()
      const [one, other] = leaves(2)
      let inside = 0
      const stay = async (): Promise<void> => {
        using _turn = await turns.take(one!.cid)
        inside += 1
        expect(inside).toBe(1)
        await sleep(whole(3))
        inside -= 1
      }
      using _other = await turns.take(other!.cid)
      await Promise.all([stay(), stay(), stay(), sleep(1).then(stay), sleep(1).then(stay)])
    },
    { seeds: 20, maxFailures: 1 },
  )
  expect(failed).toEqual([])
})
