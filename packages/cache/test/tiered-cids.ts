/** CIDs for tests. */
import { createHash } from 'node:crypto'
import { CID } from 'multiformats/cid'
import { code as rawCode } from 'multiformats/codecs/raw'
import { create } from 'multiformats/hashes/digest'

/** The version 1 raw CID of some bytes. */
export function cidOf(bytes: Uint8Array): CID {
  return CID.createV1(rawCode, create(0x12, createHash('sha256').update(bytes).digest()))
}

export function keyOf(bytes: Uint8Array): string {
  return cidOf(bytes).toString()
}

/** Bytes that follow from a number. */
export function bytesOf(number: number, size = 100): Uint8Array {
  return new Uint8Array(size).map((_, at) => (at * 31 + number * 17 + (at >> 8)) % 256)
}
