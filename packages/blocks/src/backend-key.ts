/** Keys of the backend: CIDs as text. */
import { checkKey, StorageError } from '@ipfs-kit/storage'
import { CID } from 'multiformats/cid'
import { code as rawCode } from 'multiformats/codecs/raw'
import { create } from 'multiformats/hashes/digest'
import { canVerify, digestOf, identityCode } from './digest.ts'

export const sha256Code = 0x12

/**
 * The CID of a key.
 *
 * @throws StorageError STORAGE_INVALID_KEY for what is no CID, has a hash that is not computed here, or holds its bytes itself
 */
export function parseKey(key: string): CID {
  checkKey(key)
  let cid: CID
  try {
    cid = CID.parse(key)
  } catch (cause) {
    throw new StorageError('STORAGE_INVALID_KEY', `The key ${shown(key)} is no CID`, { cause })
  }
  if (cid.multihash.code === identityCode || !canVerify(cid.multihash.bytes)) {
    throw new StorageError(
      'STORAGE_INVALID_KEY',
      `The key ${shown(key)} has hash function 0x${cid.multihash.code.toString(16)}; keys have sha2-256 or sha2-512`,
    )
  }
  return cid
}

/** The key under which `list` shows a block. */
export function keyOfBlock(cid: CID): string {
  return CID.createV1(rawCode, cid.multihash).toString()
}

/** The key of some bytes, by their sha2-256. */
export async function keyOfBytes(bytes: Uint8Array): Promise<string> {
  return CID.createV1(rawCode, create(sha256Code, await digestOf(bytes))).toString()
}

function shown(key: string): string {
  return JSON.stringify(key.length > 80 ? `${key.slice(0, 80)}…` : key)
}
