/** Lock order: two transfers in opposite directions each hold the lock that the other one needs. */
import { createSemaphore, taskGroup, type Semaphore } from '@ipfs-kit/concurrency'
import type { Race } from '../planted-races.ts'

interface Account {
  readonly number: number
  readonly lock: Semaphore
  balance: number
}

const account = (number: number): Account => ({ number, lock: createSemaphore(1), balance: 100 })

async function scenario(inOrder: boolean): Promise<void> {
  const [one, two] = [account(1), account(2)]
  const transfer = async (from: Account, to: Account) => {
    const [first, second] = inOrder && to.number < from.number ? [to, from] : [from, to]
    using _first = await first.lock.acquire()
    using _second = await second.lock.acquire()
    from.balance -= 10
    to.balance += 10
  }
  await taskGroup((group) => {
    group.spawn(async () => await transfer(one, two))
    group.spawn(async () => await transfer(two, one))
  })
}

export const race: Race = {
  name: 'deadlock by lock order',
  wrong: async () => await scenario(false),
  right: async () => await scenario(true),
}
