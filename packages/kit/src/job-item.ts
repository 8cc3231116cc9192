/** The result of an item, as short as the log wants it. */
import type { ItemResult } from '@ipfs-kit/wal'

/** Bytes of a name and of a message, as JSON. So a thousand of each kind wait to be written at most. */
const textBytes = 1000
/** A character takes no more of them. */
const characterBytes = 6

/** The same with its texts cut: of a name the end is kept, which tells one path from another, of a message the beginning. */
export function shortened({ name, result, failure }: ItemResult): ItemResult {
  const length = Math.floor(textBytes / characterBytes) - 1
  return {
    // The folder around all that was added has no name.
    name: isShort(name) ? name || '.' : `…${name.slice(-length)}`,
    ...(result === undefined ? {} : { result }),
    ...(failure === undefined
      ? {}
      : {
          failure: {
            code: failure.code.slice(0, length),
            message: isShort(failure.message) ? failure.message : `${failure.message.slice(0, length)}…`,
          },
        }),
  }
}

function isShort(text: string): boolean {
  return Buffer.byteLength(JSON.stringify(text)) <= textBytes
}
