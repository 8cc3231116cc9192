/** The content of a file by its CID, without a node. */
import type { Owner } from '@ipfs-kit/concurrency'
import type { CID } from 'multiformats/cid'
import { IpfsError } from './errors.ts'
import { openFile, readFile, type GetBlock } from './file-reader.ts'

/** What a file is read with. */
export interface FileContentOptions {
  readonly get: GetBlock
  /** Whose tasks the reads ahead are. */
  readonly owner: Owner
  /** Ends the reading; its reason passes through. */
  readonly signal: AbortSignal
  /** First byte. Default 0. */
  readonly offset?: number
  /** Bytes at most. Default: to the end. */
  readonly length?: number
}

/**
 * Yields the bytes of a file, or of a part of it, in order: up to four leaves are read ahead.
 *
 * @throws IpfsError what `get` throws; IPFS_NOT_A_FILE; IPFS_RANGE for an offset behind the end; IPFS_INVALID_NODE
 */
export async function* fileContent(
  cid: CID,
  { get, owner, signal, offset = 0, length = Number.POSITIVE_INFINITY }: FileContentOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const file = openFile(cid, await get(cid, signal))
  if (file === undefined) throw new IpfsError('IPFS_NOT_A_FILE', `${cid} is no file`)
  if (offset > file.size) {
    throw new IpfsError('IPFS_RANGE', `${cid} has ${file.size} bytes; ${offset} is behind its end`)
  }
  const reader = () => ({ get, pass() {}, [Symbol.asyncDispose]: async () => {} })
  yield* readFile(file, offset, Math.min(file.size, offset + length), { get, reader, signal, owner })
}
