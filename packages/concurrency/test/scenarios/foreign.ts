/** Begins a real timer that never ends. */
import { sleep } from '@ipfs-kit/concurrency'

export default async function foreign(): Promise<void> {
  setInterval(() => undefined, 1000)
  await sleep(1)
}
