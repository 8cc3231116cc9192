/** Run by `simulate.test.ts` in a process of its own: a test framework would take every unhandled rejection for its own. */
import { createOwner, now, sleep } from '@ipfs-kit/concurrency'
import { simulate } from '@ipfs-kit/concurrency/testing'

async function report(name: string, scenario: () => unknown, seeds: number): Promise<void> {
  const { failed } = await simulate(scenario, { seeds })
  const parts = failed.map(({ seed, error }) => {
    const { code, cause } = error.cause as Error & { code: string }
    return `${seed} ${code} ${(cause as Error).message}`
  })
  console.log(`${name}: ${parts.join(', ') || 'none'}`)
}

let run = 0
await report(
  'promise',
  async () => {
    run += 1
    if (run % 2 === 0) void Promise.reject(new Error(`lost ${run}`))
    await sleep(1)
  },
  5,
)

await report(
  'task of an owner',
  async () => {
    await using owner = createOwner()
    owner.spawn(() => Promise.reject(new Error('nobody asked')))
    await sleep(1)
  },
  1,
)

await report(
  'handled later',
  async () => {
    const promise = Promise.reject(new Error('early'))
    await sleep(1000)
    await promise.catch(() => now())
  },
  3,
)
