/** Bodies that come in pieces, as one value. */
import { type Body, StorageError, takeIn } from '@ipfs-kit/storage'

/**
 * All bytes of a body, in memory that is ours.
 *
 * @param size - what the body is to have
 * @param check - told how many bytes there are, before they are kept; throws if they are too many
 * @throws StorageError STORAGE_SIZE_MISMATCH, what the body or `check` throws, the reason of the signal
 */
export async function gather(
  body: Body,
  size: number | undefined,
  signal: AbortSignal,
  check: (total: number) => void,
): Promise<Uint8Array> {
  if (size !== undefined && (!Number.isSafeInteger(size) || size < 0))
    throw new RangeError(`size is a whole number, 0 or more, not ${size}`)
  const pieces: Uint8Array[] = []
  let total = 0
  check(size ?? 0)
  await takeIn(body, signal, (piece) => {
    total += piece.length
    if (size !== undefined && total > size) throw mismatch(size, `at least ${total}`)
    check(total)
    // Whoever yields a piece may use its memory again for the next one.
    pieces.push(new Uint8Array(piece))
  })
  signal.throwIfAborted()
  if (size !== undefined && total !== size) throw mismatch(size, `${total}`)
  return pieces.length === 1 ? pieces[0]! : joined(pieces, total)
}

function joined(pieces: readonly Uint8Array[], total: number): Uint8Array {
  const all = new Uint8Array(total)
  let at = 0
  for (const piece of pieces) {
    all.set(piece, at)
    at += piece.length
  }
  return all
}

function mismatch(size: number, found: string): StorageError {
  return new StorageError('STORAGE_SIZE_MISMATCH', `The body has ${found} bytes, not ${size} as declared`)
}
