/** Reading a copy with its digest computed on the way. */
import { createDigestCheck } from '@ipfs-kit/blocks'
import { StorageError, type StorageBackend } from '@ipfs-kit/storage'
import type { CID } from 'multiformats/cid'

/** What reading a copy has found. */
export type CopyState = 'ok' | 'lost' | 'damaged'

/** A copy that is not what it should be. */
export class BadCopy extends Error {
  override readonly name = 'BadCopy'
  readonly state: Exclude<CopyState, 'ok'>

  constructor(state: Exclude<CopyState, 'ok'>, where: string) {
    super(state === 'lost' ? `${where} does not have it` : `${where} has other bytes`)
    this.state = state
  }
}

/** A body that throws {@link BadCopy} behind its last byte if its bytes are not those of the CID. */
export async function* hashed(
  body: AsyncIterable<Uint8Array>,
  cid: CID,
  where: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const check = createDigestCheck(cid.multihash.bytes)!
  try {
    for await (const piece of body) {
      check.update(piece)
      yield piece
    }
  } catch (error) {
    if (error instanceof StorageError && error.code === 'STORAGE_CORRUPT') throw new BadCopy('damaged', where)
    throw error
  }
  if (!check.matches()) throw new BadCopy('damaged', where)
}

/**
 * Reads all of a copy and hashes it. What the backend fails with passes through.
 *
 * @returns what it is, and how many bytes were read
 */
export async function readCopy(
  backend: StorageBackend,
  cid: CID,
  signal: AbortSignal,
): Promise<{ readonly state: CopyState; readonly bytes: number }> {
  let bytes = 0
  try {
    const object = await backend.get(cid.toString(), { signal })
    if (object === undefined) return { state: 'lost', bytes }
    for await (const piece of hashed(object.body, cid, backend.name)) bytes += piece.byteLength
    return { state: 'ok', bytes }
  } catch (error) {
    if (error instanceof BadCopy) return { state: error.state, bytes }
    if (error instanceof StorageError && error.code === 'STORAGE_CORRUPT') return { state: 'damaged', bytes }
    throw error
  }
}
