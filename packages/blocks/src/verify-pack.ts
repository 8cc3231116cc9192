/** Checks one pack: every frame that is in its file, and its footer against the frames. */
import { checkpoint } from '@ipfs-kit/concurrency'
import { crc32 } from 'node:zlib'
import { type Footer, footerBytes, type PackRows, readFooter } from './footer.ts'
import { checkKeys, readKeys } from './footer-keys.ts'
import { frameBytes, type FrameKind, frameKinds } from './frame.ts'
import type { Pack } from './pack.ts'
import { decodePackHeader, packHeaderBytes } from './pack-header.ts'
import { type DamagedRegion, scanPack } from './pack-scan.ts'
import { PackTable, type TableEntry } from './pack-table.ts'
import type { PacedFile } from './paced-file.ts'
import { placeKind, placeOffset } from './place.ts'
import { tagOfFrame } from './store-key.ts'
import type { Tagger } from './tags.ts'

/** A frame, or bytes, that are not what they should be. */
export interface PackDamage {
  readonly offset: number
  readonly bytes: number
  readonly problem: 'mismatch' | 'unreadable' | 'footer'
  /** The frame that is damaged, as far as its header or the footer tells it. */
  readonly entry?: TableEntry
}

/** By so much it is seen whether what could not be read can be read now. */
const triedBytes = 65_536

type Sealed = { readonly footer: Footer; readonly rows: PackRows }

/**
 * Reads a pack from its front to where its frames ended at the beginning. `onFrame` is called for every value that is in
 * order. Of a sealed pack the rows and keys are gathered in memory, as when it was written.
 *
 * @throws PackGone; BlocksError BLOCKS_FORMAT_TOO_NEW; DiskError
 */
export async function verifyPack(
  pack: Pack,
  file: PacedFile,
  tagger: Tagger,
  onFrame: () => void,
): Promise<readonly PackDamage[]> {
  const { table: known, footer } = pack
  const end = pack.writtenEnd
  const found: PackDamage[] = []
  const head = Buffer.alloc(packHeaderBytes)
  const header = decodePackHeader(head.subarray(0, await file.read(head, 0)), file.path)
  if (header?.id !== pack.id || header.salt !== pack.salt) {
    found.push({ offset: 0, bytes: packHeaderBytes, problem: 'unreadable' })
  }
  const isSealed = known === undefined && footer !== undefined
  const sealed = isSealed ? await readFooter(file, await file.size(), pack) : undefined
  const footerDamage = (of: Footer): PackDamage => {
    const region = { offset: of.dataEnd, bytes: footerBytes(of) }
    return { ...region, problem: file.unreadable.overlaps(region) ? 'unreadable' : 'footer' }
  }
  if (isSealed && sealed === undefined) found.push(footerDamage(footer))
  const table = new PackTable()
  const scan = scanPack(file, end, pack, { verify: 'payloads' })
  const regions: DamagedRegion[] = []
  const add = (frame: { kind: FrameKind; key: Buffer; payloadBytes: number }, offset: number): TableEntry => {
    const { high, low } = tagOfFrame(tagger, frame.kind, frame.key)
    const entry = { ...frame, key: Buffer.from(frame.key), high, low, offset }
    if (sealed !== undefined) table.add(high, low, offset, frame.payloadBytes, frame.kind, frame.key)
    return entry
  }
  const mismatch = ({ offset, bytes, frame }: DamagedRegion): void => {
    if (frame === undefined) regions.push({ offset, bytes })
    else {
      const problem = file.unreadable.overlaps({ offset, bytes }) ? 'unreadable' : 'mismatch'
      found.push({ offset, bytes, problem, entry: add(frame, offset) })
    }
  }
  let shown = 0
  for await (const frames of scan) {
    for (; shown < scan.damages.length; shown++) mismatch(scan.damages[shown]!)
    for (const frame of frames) {
      if (sealed !== undefined) add(frame, frame.offset)
      if (frame.kind === frameKinds.block || frame.kind === frameKinds.record) onFrame()
    }
  }
  for (const region of scan.damages.slice(shown)) mismatch(region)
  for (const region of scan.tail) mismatch(region)
  if (sealed !== undefined && !(await agrees(file, sealed, table, regions))) {
    found.push(footerDamage(sealed.footer))
  }
  if (regions.length > 0) found.push(...(await lostIn(regions, known ?? sealed, file)))
  // What lies behind the last frame and could not be read at opening may be frames.
  for (const piece of pack.unreadable) {
    if (piece.offset < end) continue
    await file.read(Buffer.allocUnsafe(Math.min(piece.bytes, triedBytes)), piece.offset)
    if (file.unreadable.overlaps(piece)) found.push({ ...piece, problem: 'unreadable' })
  }
  return found
}

/** Whether a footer names exactly the frames that are there; of frames that are in unreadable regions, nothing is known. */
async function agrees(
  file: PacedFile,
  { footer, rows }: Sealed,
  table: PackTable,
  regions: readonly DamagedRegion[],
): Promise<boolean> {
  if (!(await checkKeys(file, footer))) return false
  const { rows: expected, keys } = await table.rowsAndKeys()
  let at = 0
  for (let row = 0; row < rows.count; row++) {
    if (row % 65_536 === 65_535) await checkpoint()
    if (isIn(regions, placeOffset(rows.numbers[row * 4 + 2]!))) continue
    for (let word = 0; word < 4; word++) {
      if (rows.numbers[row * 4 + word] !== expected.numbers[at * 4 + word]) return false
    }
    at += 1
  }
  if (at !== expected.count) return false
  return regions.length > 0 || (keys.length === footer.keyBytes && crc32(keys) === footer.keysCrc)
}

/** The frames that should be in regions without a header that fits; a region where none should be is damage as a whole. */
async function lostIn(
  regions: readonly DamagedRegion[],
  known: PackTable | Sealed | undefined,
  file: PacedFile,
): Promise<PackDamage[]> {
  const lost: PackDamage[] = []
  const lose = (entry: TableEntry): void => {
    if (!isIn(regions, entry.offset)) return
    lost.push({
      offset: entry.offset,
      bytes: frameBytes(entry.key.length, entry.payloadBytes),
      problem: 'unreadable',
      entry,
    })
  }
  if (known instanceof PackTable) {
    for (const entry of known) lose({ ...entry, key: Buffer.from(entry.key) })
  } else if (known !== undefined && (await checkKeys(file, known.footer))) {
    for await (const { row, keys } of readKeys(file, known.footer)) {
      for (const [index, key] of keys.entries()) lose(entryOf(known.rows, row + index, key))
    }
  }
  const empty = regions.filter((region) => !lost.some(({ offset }) => isIn([region], offset)))
  return [
    ...lost,
    ...empty.map(({ offset, bytes }): PackDamage => ({ offset, bytes, problem: 'unreadable' })),
  ]
}

function entryOf({ numbers }: PackRows, row: number, key: Buffer): TableEntry {
  const at = row * 4
  const place = numbers[at + 2]!
  return {
    high: numbers[at]!,
    low: numbers[at + 1]!,
    offset: placeOffset(place),
    payloadBytes: numbers[at + 3]!,
    kind: placeKind(place),
    key,
  }
}

function isIn(regions: readonly DamagedRegion[], offset: number): boolean {
  return regions.some((region) => offset >= region.offset && offset < region.offset + region.bytes)
}
