/** Keys: what they say of their content, and how tiers know it. */
import { keyOfBlock, parseKey } from '@ipfs-kit/blocks'
import { checkKey, StorageError } from '@ipfs-kit/storage'
import { LRUCache } from 'lru-cache'
import type { CID } from 'multiformats/cid'
import { code as rawCode } from 'multiformats/codecs/raw'

/** A key, as tiers have it. */
export interface Content {
  /** Where keys are CIDs: version 1, raw, base32, so that all CIDs of one multihash are one key. */
  readonly key: string
  /** Of a key that is a CID: that one, and what its bytes have to match. */
  readonly cid: CID | undefined
  readonly multihash: Uint8Array | undefined
}

const sha256Code = 0x12
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

  /** The same for a CID that was read elsewhere. */
  ofCid(cid: CID): Content {
    const key = cid.toString()
    const known = this.#read.get(key)
    if (known !== undefined || !isUsual(cid)) return known ?? this.of(key)
    const content = contentOf(cid, key, cid.code === rawCode ? key : this.keyOf(cid))
    this.#read.set(key, content)
    return content
  }

  /** The key that tiers have for a CID, also for one that none of them can have. */
  keyOf(cid: CID): string {
    return this.keys === 'cid' ? keyOfBlock(cid) : cid.toString()
  }

  /** The key that tiers have, if this one was read before. */
  alias(key: string): string | undefined {
    return this.#read.get(key)?.key
  }
}

function byMultihash(key: string): Content {
  const cid = parseKey(key)
  return contentOf(cid, key, keyOfBlock(cid))
}

function contentOf(cid: CID, key: string, own: string): Content {
  // The very string that callers have is found faster in a map than one that is only equal.
  return { key: own === key ? key : own, cid, multihash: cid.multihash.bytes }
}

/** Whether there is nothing to be said against it. Of any other one its text is read, which says what. */
function isUsual({ version, multihash }: CID): boolean {
  return version === 1 && multihash.code === sha256Code && multihash.digest.length === 32
}

function freely(key: string): Content {
  checkKey(key)
  if (key.length < shortestCid || !/^(?:Qm|[bkz])[0-9A-Za-z]+$/.test(key))
    return { key, cid: undefined, multihash: undefined }
  try {
    const cid = parseKey(key)
    return { key, cid, multihash: cid.multihash.bytes }
  } catch (error) {
    if (error instanceof StorageError) return { key, cid: undefined, multihash: undefined }
    throw error
  }
}
