/** The content that a caller gives: what it throws passes through, whatever it is, and is no failure of ours. */
import type { FileBytes } from '@ipfs-kit/ipfs/unixfs'

/** What a content has thrown, on its way to the caller. */
export class ContentFailure extends Error {}

/** The content with its failures marked. */
export function marked(content: FileBytes): FileBytes {
  return content instanceof Uint8Array ? content : markedPieces(content)
}

async function* markedPieces(
  content: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* content
  } catch (cause) {
    throw new ContentFailure('The content has failed', { cause })
  }
}
