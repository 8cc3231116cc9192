/** Bodies that come in pieces, as one value. */
import type { Body } from './backend.ts'
import { takeIn } from './intake.ts'

/** Options of {@link gather}. */
export interface GatherOptions {
  readonly signal: AbortSignal
  /** Number of bytes that the body has to have. */
  readonly size?: number | undefined
  /**
   * Bounds the bytes: called with how many there are going to be, with `size` at first, then before each piece is kept. What
   * it throws ends the gathering.
   */
  readonly onBytes: (total: number) => void
}

/**
 * All bytes of a body, in memory that belongs to the caller. It ends as {@link takeIn} does. For backends that have to see a
 * value whole before they store it.
 *
 * @throws StorageError `STORAGE_SIZE_MISMATCH`; what the body or `onBytes` throws; the reason of the signal
 */
export async function gather(body: Body, { signal, size, onBytes }: GatherOptions): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  let total = 0
  if (size !== undefined) onBytes(size)
  const keep = (piece: Uint8Array): void => {
    onBytes(total + piece.length)
    total += piece.length
    // Whoever yields a piece may use its memory again for the next one. A Buffer's `slice` would be a view of it.
    pieces.push(new Uint8Array(piece))
  }
  await takeIn(body, signal, keep, size)
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
