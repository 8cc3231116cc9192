/** Shows what is in a pack file, frame by frame. Needs no store, takes no lock, changes nothing. */
import type { Disk, DiskFile } from '@ipfs-kit/disk'
import { checkKeys, readKeys } from './footer-keys.ts'
import { type Footer, footerBytes, type PackRows, readFooter } from './footer.ts'
import { frameBytes, type FrameKind, frameKinds } from './frame.ts'
import { decodePackHeader, type PackHeader, packHeaderBytes } from './pack-header.ts'
import { type DamagedRegion, type ScannedFrame, scanPack } from './pack-scan.ts'
import { PackTable } from './pack-table.ts'
import { placeKind, placeOffset } from './place.ts'
import { cidOfKey } from './reports.ts'

/** What a frame holds, in words. */
export type FrameName = 'block' | 'record' | 'gone-block' | 'gone-record'

/** A line of a dump: an object to print. Offsets and sizes are in bytes. */
export type DumpLine = DumpedHeader | DumpedFrame | DumpedDamage | DumpedFooter | DumpedEnd

/** The first line. */
export interface DumpedHeader {
  readonly line: 'header'
  readonly path: string
  readonly fileBytes: number
  /** False: the header is damaged or missing, and without its salt no frame can be told. The next line is the last. */
  readonly ok: boolean
  readonly stream?: 'kept' | 'cache'
  readonly pack?: number
  /** Hexadecimal, as is `store`. */
  readonly salt?: string
  readonly store?: string
}

/** A frame. */
export interface DumpedFrame {
  readonly line: 'frame'
  readonly offset: number
  /** Of the whole frame, and of its payload. */
  readonly bytes: number
  readonly payloadBytes: number
  readonly kind: FrameName
  /** Of a block. */
  readonly cid?: string
  /** Of a record, as UTF-8; of a block whose key is no multihash, hexadecimal. */
  readonly key?: string
  /** False: the payload is not what its digest or CRC says. */
  readonly ok: boolean
}

/** Bytes that are no frame. */
export interface DumpedDamage {
  /** `damage`: frames follow. `tail`: none do, as behind a write that was torn. */
  readonly line: 'damage' | 'tail'
  readonly offset: number
  readonly bytes: number
}

/** The footer, if there is a valid one. */
export interface DumpedFooter {
  readonly line: 'footer'
  readonly offset: number
  readonly bytes: number
  readonly rows: number
  readonly store: string
  /** Whether it names exactly the frames above that are in order, with their keys. */
  readonly agrees: boolean
  readonly framesWithoutRow: number
  readonly rowsWithoutFrame: number
  /** Rows whose frame has another kind, length or key. */
  readonly rowsThatDiffer: number
  /** False: the keys have another CRC, and are not compared. */
  readonly keysOk: boolean
}

/** The last line. */
export interface DumpedEnd {
  readonly line: 'end'
  /** Frames that are in order, and their payload bytes. */
  readonly frames: number
  readonly payloadBytes: number
  readonly damagedBytes: number
  readonly footer: 'agrees' | 'differs' | 'none'
}

/**
 * Reads a pack from front to end; payloads are checked.
 *
 * @throws BlocksError BLOCKS_FORMAT_TOO_NEW; DiskError
 */
export async function* dumpPack(disk: Disk, path: string): AsyncGenerator<DumpLine, void, undefined> {
  const file = await disk.open(path, 'read')
  try {
    yield* dumpFile(file)
  } finally {
    await file.close()
  }
}

async function* dumpFile(file: DiskFile): AsyncGenerator<DumpLine, void, undefined> {
  const fileBytes = await file.size()
  const head = Buffer.alloc(packHeaderBytes)
  const header = decodePackHeader(head.subarray(0, await file.read(head, 0)), file.path)
  yield headerLine(file.path, fileBytes, header)
  if (header === undefined) {
    yield { line: 'end', frames: 0, payloadBytes: 0, damagedBytes: fileBytes, footer: 'none' }
    return
  }
  const sealed = await readFooter(file, fileBytes, header)
  const dataEnd = sealed?.footer.dataEnd ?? fileBytes
  const scan = scanPack(file, dataEnd, header, { verify: 'payloads' })
  const table = new PackTable()
  let payloadBytes = 0
  let shown = 0
  for await (const frames of scan) {
    for (; shown < scan.damages.length; shown++) yield damageLine(scan.damages[shown]!, 'damage')
    for (const frame of frames) {
      table.add(0, 0, frame.offset, frame.payloadBytes, frame.kind, frame.key)
      payloadBytes += frame.payloadBytes
      yield frameLine(frame, true)
    }
  }
  for (const region of scan.tail) yield damageLine(region, sealed === undefined ? 'tail' : 'damage')
  const footer = sealed === undefined ? undefined : await compare(file, sealed, table)
  if (footer !== undefined) yield footer
  const lost = sealed === undefined ? scan.damages : [...scan.damages, ...scan.tail]
  yield {
    line: 'end',
    frames: table.count,
    payloadBytes,
    damagedBytes: lost.reduce((sum, { bytes }) => sum + bytes, 0),
    footer: footer === undefined ? 'none' : footer.agrees ? 'agrees' : 'differs',
  }
}

/** Compares a footer with the frames that were found. */
async function compare(
  file: DiskFile,
  { footer, rows }: { readonly footer: Footer; readonly rows: PackRows },
  table: PackTable,
): Promise<DumpedFooter> {
  const indexes = new Map<number, number>()
  for (let index = 0; index < table.count; index++) indexes.set(table.at(index).offset, index)
  const keysOk = await checkKeys(file, footer)
  const differing = new Set<number>()
  let matched = 0
  for (let row = 0; row < rows.count; row++) {
    const place = rows.numbers[row * 4 + 2]!
    const index = indexes.get(placeOffset(place))
    if (index === undefined) continue
    matched += 1
    const { kind, payloadBytes } = table.at(index)
    if (kind !== placeKind(place) || payloadBytes !== rows.numbers[row * 4 + 3]) differing.add(row)
  }
  if (keysOk) {
    for await (const { row, keys } of readKeys(file, footer)) {
      for (const [at, key] of keys.entries()) {
        const index = indexes.get(placeOffset(rows.numbers[(row + at) * 4 + 2]!))
        if (index !== undefined && !table.keyAt(index).equals(key)) differing.add(row + at)
      }
    }
  }
  const framesWithoutRow = table.count - matched
  const rowsWithoutFrame = rows.count - matched
  return {
    line: 'footer',
    offset: footer.dataEnd,
    bytes: footerBytes(footer),
    rows: footer.count,
    store: hex(footer.storeId),
    agrees: keysOk && framesWithoutRow === 0 && rowsWithoutFrame === 0 && differing.size === 0,
    framesWithoutRow,
    rowsWithoutFrame,
    rowsThatDiffer: differing.size,
    keysOk,
  }
}

function headerLine(path: string, fileBytes: number, header: PackHeader | undefined): DumpedHeader {
  if (header === undefined) return { line: 'header', path, fileBytes, ok: false }
  const { stream, id, salt, storeId } = header
  const hexSalt = salt.toString(16).padStart(8, '0')
  return { line: 'header', path, fileBytes, ok: true, stream, pack: id, salt: hexSalt, store: hex(storeId) }
}

function frameLine(frame: ScannedFrame, ok: boolean): DumpedFrame {
  const { kind, key, offset, payloadBytes } = frame
  const bytes = frameBytes(key.length, payloadBytes)
  return { line: 'frame', offset, bytes, payloadBytes, kind: nameOf(kind), ...nameOfKey(kind, key), ok }
}

function damageLine(region: DamagedRegion, line: 'damage' | 'tail'): DumpLine {
  const { offset, bytes, frame } = region
  return frame === undefined ? { line, offset, bytes } : frameLine({ ...frame, offset }, false)
}

function nameOf(kind: FrameKind): FrameName {
  if (kind === frameKinds.block) return 'block'
  if (kind === frameKinds.record) return 'record'
  return kind === frameKinds.goneBlock ? 'gone-block' : 'gone-record'
}

function nameOfKey(kind: FrameKind, key: Buffer): { readonly cid: string } | { readonly key: string } {
  if (kind === frameKinds.record || kind === frameKinds.goneRecord) return { key: key.toString('utf8') }
  try {
    return { cid: cidOfKey(key).toString() }
  } catch {
    return { key: hex(key) }
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
