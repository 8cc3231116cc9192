/** The frames of a pack for those that rewrite or drop it. */
import type { Catalog, ReadRows } from './catalog.ts'
import { diskFailure } from './disk-failure.ts'
import {
  frameHeaderBytes,
  type FrameKind,
  frameKinds,
  maxKeyBytes,
  readFrameHeader,
  usualKeyBytes,
} from './frame.ts'
import { readAbout, readKey } from './frame-reader.ts'
import { readRows } from './footer.ts'
import type { Pack } from './pack.ts'
import type { PackFolder } from './pack-folder.ts'
import { placeKind, placeOffset } from './place.ts'
import { readAgain, tryTwice } from './read-around.ts'

/** A frame by its row. */
export interface FrameRow {
  readonly high: number
  readonly low: number
  readonly offset: number
  readonly payloadBytes: number
  readonly kind: FrameKind
}

/** Rows that are read from a footer at once. */
const rowsAtOnce = 4096

/** The rows of a pack that takes no more frames, in no order. @throws DiskError, BlocksError if its footer cannot be read */
export async function* frameRows(folder: PackFolder, pack: Pack): AsyncGenerator<FrameRow, void, undefined> {
  if (pack.table !== undefined) {
    yield* pack.table
    return
  }
  const footer = pack.footer!
  for (let from = 0; from < footer.count; from += rowsAtOnce) {
    const count = Math.min(rowsAtOnce, footer.count - from)
    const { numbers } = await readAgain(async () => readRows(await folder.file(pack), footer, from, count))
    for (let at = 0; at < count * 4; at += 4) {
      const place = numbers[at + 2]!
      yield {
        high: numbers[at]!,
        low: numbers[at + 1]!,
        offset: placeOffset(place),
        payloadBytes: numbers[at + 3]!,
        kind: placeKind(place),
      }
    }
  }
}

/** The same of a pack whose footer cannot be read, as far as the index in memory has them. */
export async function* indexedRows(
  folder: PackFolder,
  catalog: Pick<Catalog, 'indexedOf'>,
  pack: Pack,
): AsyncGenerator<FrameRow, void, undefined> {
  for await (const entry of catalog.indexedOf(pack.slot)) {
    const found = await tryTwice(() => readKey(folder, pack, entry.offset))
    yield { ...entry, payloadBytes: entry.length, kind: found?.kind ?? frameKinds.block }
  }
}

/** How the index reads rows of a sealed pack. The file stays while it does. */
export function rowReader(folder: PackFolder, pack: Pack): ReadRows {
  return async (from, count) => {
    pack.acquire()
    try {
      return await readRows(await folder.file(pack), pack.footer!, from, count)
    } catch (cause) {
      throw diskFailure(cause, `read ${pack.path}`)
    } finally {
      pack.release()
    }
  }
}

/** Key and payload of a frame; `undefined` if it is damaged. The payload is not checked against the key. @throws DiskError */
export async function readWhole(
  folder: PackFolder,
  pack: Pack,
  row: FrameRow,
): Promise<{ readonly key: Buffer; readonly payload: Buffer } | undefined> {
  return (
    (await readUpTo(folder, pack, row, usualKeyBytes)) ?? (await readUpTo(folder, pack, row, maxKeyBytes))
  )
}

async function readUpTo(
  folder: PackFolder,
  pack: Pack,
  row: FrameRow,
  keyBytes: number,
): Promise<{ readonly key: Buffer; readonly payload: Buffer } | undefined> {
  const file = await folder.file(pack)
  const { bytes, read } = await readAbout(file, row.offset, keyBytes, row.payloadBytes)
  const header = readFrameHeader(bytes.subarray(0, read), 0, { salt: pack.salt, offset: row.offset })
  if (header === undefined || header.payloadBytes !== row.payloadBytes || header.kind !== row.kind)
    return undefined
  const end = frameHeaderBytes + header.keyBytes
  if (read < end + row.payloadBytes) return undefined
  return { key: bytes.subarray(frameHeaderBytes, end), payload: bytes.subarray(end, end + row.payloadBytes) }
}
