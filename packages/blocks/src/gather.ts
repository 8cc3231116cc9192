/** Bodies that come in pieces, as one value. */
import { type Body, takeIn } from '@ipfs-kit/storage'

/** What bounds the bytes that are gathered. */
export interface GatherOptions {
  readonly signal: AbortSignal
  /** Called before a piece is kept, with the bytes that there are with it. Throws if they are too many. */
  readonly onBytes: (total: number) => void
}

/**
 * All bytes of a body, in memory that belongs to the caller. With the signal, or when `onBytes` throws, it ends at once, and
 * the body is told to stop.
 */
export async function gather(body: Body | Iterable<Uint8Array>, options: GatherOptions): Promise<Uint8Array> {
  const { signal, onBytes } = options
  const pieces: Uint8Array[] = []
  let total = 0
  const isLate = body instanceof Uint8Array || Symbol.asyncIterator in Object(body)
  await takeIn(isLate ? (body as Body) : oneByOne(body as Iterable<Uint8Array>), signal, (piece) => {
    onBytes(total + piece.length)
    total += piece.length
    // Whoever yields a piece may use its memory again for the next one. A Buffer's `slice` would be a view of it.
    pieces.push(new Uint8Array(piece))
  })
  signal.throwIfAborted()
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces, total)
}

async function* oneByOne(pieces: Iterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  yield* pieces
}
