/**
 * The hash functions that are computed here: sha2-256, sha2-512, and identity, whose digest is the content itself.
 * Digests are whole: a shortened one is unknown here.
 */
import type { CID } from 'multiformats/cid'
import { createHash, hash } from 'node:crypto'
import { BlocksError } from './errors.ts'
import { type Hashed, hashThreads, leastMovedBytes, leastSharedBytes } from './hash-threads.ts'

/**
 * From here on a digest is computed on the thread pool. `subtle.digest` copies its input on this thread first: 0.6 to 1.5 s a
 * GiB, where hashing itself takes 0.6. So it is for values that would hold up others for more than two milliseconds.
 */
export const poolBytes = 4_194_304

/** What of a frame is read along with its payload at most: its header, and a key. */
const frameRoomBytes = 32_768

interface HashFunction {
  /** Code of the multicodec table. */
  readonly code: number
  readonly digestBytes: number
  readonly node: 'sha256' | 'sha512'
  readonly web: 'SHA-256' | 'SHA-512'
}

const sha256: HashFunction = { code: 0x12, digestBytes: 32, node: 'sha256', web: 'SHA-256' }
const sha512: HashFunction = { code: 0x13, digestBytes: 64, node: 'sha512', web: 'SHA-512' }
/** Code of a multihash that holds its content itself. */
export const identityCode = 0x00

/** Whether the hash function of a multihash can be computed here, and its digest is whole. */
export function canVerify(multihash: Uint8Array): boolean {
  return functionOf(multihash) !== undefined || identityDigest(multihash) !== undefined
}

/**
 * Whether bytes have a multihash. At once below 4 MiB, from there on on the thread pool: the bytes must not change
 * until then. False for a hash function that is unknown here.
 */
export function matches(multihash: Uint8Array, bytes: Uint8Array): boolean | Promise<boolean> {
  const found = functionOf(multihash)
  if (found === undefined) return identityMatches(multihash, bytes)
  return bytes.length < poolBytes ? matchesNow(multihash, bytes) : matchesOnPool(found, multihash, bytes)
}

/** The same, always at once: 1 MiB takes about a millisecond. */
export function matchesNow(multihash: Uint8Array, bytes: Uint8Array): boolean {
  const found = functionOf(multihash)
  if (found === undefined) return identityMatches(multihash, bytes)
  // A string of bytes costs less than a buffer: 0.6 us of 1 (64 bytes), 1.1 us of 4.8 (4 KiB).
  const digest = hash(found.node, bytes, 'binary')
  for (let at = 0; at < found.digestBytes; at++) {
    if (digest.charCodeAt(at) !== multihash[at + 2]) return false
  }
  return true
}

/**
 * Refuses bytes that are not those of a CID; a promise as of {@link matches}.
 *
 * @throws BlocksError BLOCKS_UNKNOWN_HASH, BLOCKS_MISMATCH
 */
export function mustMatch(cid: CID, bytes: Uint8Array): void | Promise<void> {
  const multihash = cid.multihash.bytes
  if (!canVerify(multihash)) {
    const { code, size } = cid.multihash
    const what = `${cid} has hash function 0x${code.toString(16)} with ${size} bytes, which is not computed here`
    throw new BlocksError('BLOCKS_UNKNOWN_HASH', what)
  }
  const same = matches(multihash, bytes)
  if (typeof same === 'boolean') return refuseUnless(same, cid, bytes)
  return same.then((later) => refuseUnless(later, cid, bytes))
}

/** Whether bytes that come in pieces have a multihash. */
export interface DigestCheck {
  update(piece: Uint8Array): void
  /** To be asked once, at the end. */
  matches(): boolean
}

/** Checks a value piece by piece, at once. `undefined` for a hash function that is unknown here. */
export function createDigestCheck(multihash: Uint8Array): DigestCheck | undefined {
  const found = functionOf(multihash)
  if (found !== undefined) {
    const running = createHash(found.node)
    return {
      update: (piece) => running.update(piece),
      matches: () => running.digest().compare(multihash, 2) === 0,
    }
  }
  const digest = identityDigest(multihash)
  if (digest === undefined) return undefined
  let length = 0
  let same = true
  return {
    update: (piece) => {
      same &&= Buffer.compare(piece, digest.subarray(length, length + piece.length)) === 0
      length += piece.length
    },
    matches: () => same && length === digest.length,
  }
}

/** The bytes were given to a thread that has died. */
export const lost = Symbol('lost')

/**
 * The bytes if they have a multihash, `undefined` if not. They are given away with the whole of their memory, where that is
 * theirs alone: go on with what is returned. At once below 512 KiB, from there on by a thread if one is free. {@link lost} if
 * the thread died: read them again, and ask {@link matches}.
 */
export function verifyGiven(
  multihash: Uint8Array,
  bytes: Uint8Array,
): Uint8Array | undefined | Promise<Uint8Array | undefined | typeof lost> {
  const found = functionOf(multihash)
  const hashing =
    found === undefined || !isWhole(bytes) ? undefined : hashThreads.hashMoved(found.node, bytes)
  if (hashing !== undefined) return hashing.then((hashed) => bytesIfSame(multihash, hashed))
  const same = matches(multihash, bytes)
  if (typeof same === 'boolean') return same ? bytes : undefined
  return same.then((later) => (later ? bytes : undefined))
}

/**
 * The sha2-256 digest of bytes, which must not change until then. At once below 256 KiB, and for most others below 4 MiB;
 * those in shared memory are hashed by a thread if one is free.
 */
export function digestOf(bytes: Uint8Array): Uint8Array | Promise<Uint8Array> {
  if (bytes.length < leastSharedBytes) return hash('sha256', bytes, 'buffer')
  if (!isShared(bytes)) return digestElsewhere(bytes)
  const hashing = hashThreads.hashShared('sha256', bytes)
  return hashing === undefined
    ? digestElsewhere(bytes)
    : hashing.then((digest) => digest ?? digestElsewhere(bytes))
}

/** Without our threads. */
function digestElsewhere(bytes: Uint8Array): Uint8Array | Promise<Uint8Array> {
  return bytes.length < poolBytes ? hash('sha256', bytes, 'buffer') : onPool(sha256, bytes)
}

/** Whether nothing else can lie in the memory of some bytes. */
function isWhole(bytes: Uint8Array): bytes is Uint8Array<ArrayBuffer> {
  const { buffer } = bytes
  return (
    bytes.length >= leastMovedBytes &&
    buffer instanceof ArrayBuffer &&
    buffer.byteLength - bytes.length < frameRoomBytes
  )
}

function bytesIfSame(
  multihash: Uint8Array,
  hashed: Hashed | undefined,
): Uint8Array | undefined | typeof lost {
  if (hashed === undefined) return lost
  return Buffer.compare(hashed.digest, multihash.subarray(2)) === 0 ? hashed.bytes : undefined
}

function refuseUnless(same: boolean, cid: CID, bytes: Uint8Array): void {
  if (!same) throw new BlocksError('BLOCKS_MISMATCH', `These ${bytes.length} bytes are not those of ${cid}`)
}

async function matchesOnPool(
  found: HashFunction,
  multihash: Uint8Array,
  bytes: Uint8Array,
): Promise<boolean> {
  const digest = await onPool(found, bytes)
  return Buffer.compare(digest, multihash.subarray(2)) === 0
}

async function onPool(found: HashFunction, bytes: Uint8Array): Promise<Uint8Array> {
  // Shared memory is refused by `subtle`.
  const own = isShared(bytes) ? new Uint8Array(bytes) : bytes
  return new Uint8Array(await crypto.subtle.digest(found.web, own as Uint8Array<ArrayBuffer>))
}

function isShared({ buffer }: Uint8Array): boolean {
  return !(buffer instanceof ArrayBuffer)
}

function functionOf(multihash: Uint8Array): HashFunction | undefined {
  const found = multihash[0] === sha256.code ? sha256 : multihash[0] === sha512.code ? sha512 : undefined
  if (found === undefined || multihash[1] !== found.digestBytes) return undefined
  return multihash.length === found.digestBytes + 2 ? found : undefined
}

/** The content in an identity multihash: behind the code and its length, a varint. */
function identityDigest(multihash: Uint8Array): Uint8Array | undefined {
  if (multihash[0] !== identityCode) return undefined
  let length = 0
  for (let at = 1; at <= 3 && at < multihash.length; at++) {
    const byte = multihash[at]!
    length += (byte & 0x7f) * 2 ** (7 * (at - 1))
    if (byte < 0x80) return multihash.length === at + 1 + length ? multihash.subarray(at + 1) : undefined
  }
  return undefined
}

function identityMatches(multihash: Uint8Array, bytes: Uint8Array): boolean {
  const digest = identityDigest(multihash)
  return digest !== undefined && Buffer.compare(digest, bytes) === 0
}
