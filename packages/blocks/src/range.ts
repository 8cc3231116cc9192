/** Reads a part of a value. Its whole is read and checked, piece by piece, so that no byte is given out unverified. */
import { crc32 } from 'node:zlib'
import type { RangeOptions } from './blocks.ts'
import { createDigestCheck } from './digest.ts'
import { diskFailure } from './disk-failure.ts'
import { frameHeaderBytes, frameKinds, readFrameHeader } from './frame.ts'
import type { Place } from './frame-reader.ts'
import type { Key, Store } from './store.ts'

const pieceBytes = 1_048_576

/** The bytes of a range that lie in a value of a size. @throws RangeError */
export function cutRange(
  options: RangeOptions,
  size: number,
): { readonly from: number; readonly to: number } {
  const { offset = 0, length = size } = options
  if (!Number.isSafeInteger(offset) || offset < 0 || offset > size) {
    throw new RangeError(`offset is a whole number from 0 to ${size}, not ${offset}`)
  }
  if (!Number.isSafeInteger(length) || length < 0)
    throw new RangeError(`length is a whole number, not ${length}`)
  return { from: offset, to: Math.min(size, offset + length) }
}

/** A part of the value under a key; `undefined` if there is none or it is damaged. */
export async function readRange(
  store: Store,
  key: Key,
  options: RangeOptions,
): Promise<Uint8Array | undefined> {
  store.check(options)
  const place = await store.lookup.locate(key)
  if (place === undefined) return undefined
  const range = cutRange(options, place.payloadBytes)
  if (place.payloadBytes <= pieceBytes || place.pack.pending.has(place.offset)) {
    const whole = await store.get(key, options)
    return whole?.subarray(range.from, range.to)
  }
  place.pack.acquire()
  try {
    const part = await readPieces(store, key, place, range, options)
    if (part === undefined) await store.reportDamage(key, place)
    else await store.lookup.withEntry(key, (handle) => store.noteRead(handle, place))
    return part
  } catch (cause) {
    throw diskFailure(cause, `read ${place.pack.path}`)
  } finally {
    place.pack.release()
  }
}

async function readPieces(
  store: Store,
  key: Key,
  { pack, offset, payloadBytes }: Place,
  { from, to }: { readonly from: number; readonly to: number },
  options: RangeOptions,
): Promise<Uint8Array | undefined> {
  const file = await store.parts.folder.file(pack)
  const start = offset + frameHeaderBytes + key.bytes.length
  const head = Buffer.allocUnsafe(start - offset)
  await file.read(head, offset)
  const header = readFrameHeader(head, 0, { salt: pack.salt, offset })
  const check = key.kind === frameKinds.block ? createDigestCheck(key.bytes) : undefined
  if (header === undefined || header.payloadBytes !== payloadBytes) return undefined
  const part = Buffer.allocUnsafe(to - from)
  const piece = Buffer.allocUnsafe(pieceBytes)
  let crc = 0
  for (let at = 0; at < payloadBytes; at += pieceBytes) {
    store.check(options)
    const wanted = piece.subarray(0, Math.min(pieceBytes, payloadBytes - at))
    if ((await file.read(wanted, start + at)) < wanted.length) return undefined
    if (check === undefined) crc = crc32(wanted, crc)
    else check.update(wanted)
    const first = Math.max(from, at)
    const last = Math.min(to, at + wanted.length)
    if (first < last) part.set(wanted.subarray(first - at, last - at), first - from)
  }
  return (check === undefined ? crc === header.payloadCrc : check.matches()) ? part : undefined
}
