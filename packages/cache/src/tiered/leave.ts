/** Bodies that nobody reads on. */
import { run } from '@ipfs-kit/concurrency'

/** Tells a body that it is left, and waits until it has heard. */
export async function leave(body: AsyncIterable<Uint8Array>): Promise<void> {
  const left = body[Symbol.asyncIterator]().return?.()
  if (left !== undefined) await run(left)
}
