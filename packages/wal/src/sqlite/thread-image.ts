/** An image of the index, whose parts its thread reads one after the other. */
import { shield } from '@ipfs-kit/concurrency'
import type { IndexImage } from '../store/operation-index.ts'
import type { SqliteThread } from './thread.ts'

/** @param image - a number that no other image of this thread has @throws WalError as `SqliteThread.call` */
export async function openImage(thread: SqliteThread, image: number): Promise<IndexImage> {
  const head = await thread.call('imageBegin', image)
  return {
    head,
    async *parts() {
      for (;;) {
        const part = await thread.call('imagePart', image)
        if (part === undefined) return
        yield part
      }
    },
    async [Symbol.asyncDispose]() {
      try {
        if (thread.failure === undefined) await shield(() => thread.call('imageEnd', image))
      } catch (error) {
        // It has ended with its thread: whoever asked for its parts was told.
        if (error !== thread.failure) throw error
      }
    },
  }
}
