import { createHash } from 'node:crypto'
import type { HandlerContext } from '@ipfs-kit/wal'

/** Finds a number whose hash together with a text begins with so many zeros: work that blocks its loop. */
export default async function findNonce(
  { text, zeros }: { text: string; zeros: number },
  { checkpoint, save, progress }: HandlerContext,
): Promise<{ nonce: number }> {
  const triesAtOnce = 10_000
  for (let from = typeof checkpoint === 'number' ? checkpoint : 0; ; from += triesAtOnce) {
    for (let nonce = from; nonce < from + triesAtOnce; nonce += 1) {
      const hash = createHash('sha256').update(`${text}${nonce}`).digest('hex')
      if (hash.startsWith('0'.repeat(zeros))) return { nonce }
    }
    progress({ stage: 'searches', bytes: 0, items: from + triesAtOnce })
    // The next attempt begins here, if this one is interrupted.
    await save(from + triesAtOnce)
  }
}
