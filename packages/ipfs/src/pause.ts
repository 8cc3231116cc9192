/** Lets others have their turn between steps that do not wait. */
import { checkpoint, now } from '@ipfs-kit/concurrency'

/** How long such steps may take together. */
const sliceMs = 4

/** What is called after each step. It gives nothing to wait for until a slice of time is used up. */
export function createPause(): () => Promise<void> | undefined {
  let since = now()
  const pause = async (): Promise<void> => {
    await checkpoint()
    since = now()
  }
  return () => (now() - since < sliceMs ? undefined : pause())
}
