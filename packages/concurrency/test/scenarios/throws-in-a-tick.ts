/** Throws where nobody can catch it, under every third seed. */
import { random, sleep } from '@ipfs-kit/concurrency'

export default async function throwsInATick(): Promise<void> {
  if (random() < 0.3) {
    process.nextTick(() => {
      throw new Error('out of reach')
    })
  }
  await sleep(1)
}
