/** Keys: what they say of their content, and how tiers know it. */
import { keyOfBlock, parseKey } from '@ipfs-kit/blocks'
import { checkKey, StorageError } from '@ipfs-kit/storage'
import { LRUCache } from 'lru-cache'

/** A key, as tiers have it. */
export interface Content {
  /** Where keys are CIDs: version 1, raw, base32, so that all CIDs of one multihash are one key. */
  readonly key: string
  /** Of a key that is a CID: what its bytes have to match. */
  readonly multihash: Uint8Array | undefined
}

const remembered = 8192
/** No CID with a digest of 32 bytes or more is shorter. */
const shortestCid = 46

/** Reads keys, and remembers the last of them: reading a CID takes microseconds. */
export class Contents {
  readonly keys: 'any' | 'cid'
  readonly #read = new LRUCache<string, Content>({ max: remembered })

  constructor(keys: 'any' | 'cid') {
    this.keys = keys
  }

  /** @throws StorageError STORAGE_INVALID_KEY */
  of(key: string): Content {
    const known = typeof key === 'string' ? this.#read.get(key) : undefined
    if (known !== undefined) return known
    const content = this.keys === 'cid' ? byMultihash(key) : freely(key)
    this.#read.set(key, content)
    return content
  }

  /** The key that tiers have, if this one was read before. */
  alias(key: string): string | undefined {
    return this.#read.get(key)?.key
  }
}

function byMultihash(key: string): Content {
  const cid = parseKey(key)
  const own = keyOfBlock(cid)
  // The very string that callers have is found faster in a map than one that is only equal.
  return { key: own === key ? key : own, multihash: cid.multihash.bytes }
}

function freely(key: string): Content {
  checkKey(key)
  if (key.length < shortestCid || !/^(?:Qm|[bkz])[0-9A-Za-z]+$/.test(key))
    return { key, multihash: undefined }
  try {
    return { key, multihash: parseKey(key).multihash.bytes }
  } catch (error) {
    if (error instanceof StorageError) return { key, multihash: undefined }
    throw error
  }
}
