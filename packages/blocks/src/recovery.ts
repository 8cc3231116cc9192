/**
 * What opening does with the packs that are there. First it looks at each, from the newest to the oldest: a pack with a
 * valid footer is not read any further, one without is scanned. Then it lets the rows of all into the index.
 */
import type { Disk, DiskEntry, DiskFile } from '@ipfs-kit/disk'
import { absorbPacks, type FoundPack, type LostRecord, tagRanges } from './absorb-packs.ts'
import type { Catalog } from './catalog.ts'
import { BlocksError } from './errors.ts'
import { createRowMemory, type PackRows, readFooter, readTrailer, rowBytes, trailerBytes } from './footer.ts'
import { frameKinds } from './frame.ts'
import { Pack, physicalBytes } from './pack.ts'
import type { PackFolder } from './pack-folder.ts'
import { parsePackName } from './pack-folder.ts'
import { decodePackHeader, type PackHeader, packHeaderBytes } from './pack-header.ts'
import { packOverheadBytes } from './pack-stream.ts'
import { scanPack } from './pack-scan.ts'
import { PackTable } from './pack-table.ts'
import { type FileAround, readingAround, tryTwice } from './read-around.ts'
import { tagOfFrame } from './store-key.ts'
import type { Tagger } from './tags.ts'
import { setAside } from './unsynced.ts'

/** Fewer rows than this stay in memory between the two passes, of all packs together up to `maxHeldBytes`. */
const fewRows = 4096
const maxHeldBytes = 32 * 1024 * 1024

/** Something that is not as a clean close leaves it. */
export interface Finding {
  readonly path: string
  /** `unreadable`: the disk failed to read it, and the file is left as it is. */
  readonly problem: 'no header' | 'damaged region' | 'torn tail' | 'unreadable'
  readonly offset: number
  readonly bytes: number
}

/** What was found in the folder. */
export interface Recovered {
  /** Packs that were scanned: they have a table and no footer. */
  readonly scanned: readonly Pack[]
  readonly findings: readonly Finding[]
  /** Highest number of a pack, 0 if there is none. */
  readonly lastId: number
  /** Bytes of files that are packs by name, and cannot be read as such. */
  readonly strangeBytes: number
  /** The lowest number of a kept pack among these: it may be read another time. Infinity if there is none. */
  readonly leastStrangeId: number
}

/** What recovery fills. */
export interface RecoveryParts {
  readonly folder: PackFolder
  readonly catalog: Catalog
  readonly tagger: Tagger
  readonly storeId: Uint8Array
  readonly packs: (Pack | undefined)[]
  readonly maxIndexedEntries: number
}

/**
 * Reads the folder. What the disk cannot read of a pack is skipped like damage, and such a pack is left as it is.
 *
 * @throws BlocksError BLOCKS_FORMAT_TOO_NEW, and BLOCKS_IO if nothing of any pack can be read; DiskError
 */
export async function recoverPacks(parts: RecoveryParts): Promise<Recovered> {
  const { folder, packs } = parts
  const entries = await folder.disk.list(folder.path)
  const files = packFiles(folder.path, entries)
  const findings = await filesSetAside(folder, entries)
  const scanned: Pack[] = []
  const found: FoundPack[] = []
  const memory = createRowMemory()
  let heldBytes = 0
  let strangeBytes = findings.reduce((sum, { bytes }) => sum + physicalBytes(bytes), 0)
  let leastStrangeId = Infinity
  let silent = 0
  for (const { stream, id, path } of files) {
    const opened = await openFile(folder.disk, path)
    const begin = opened?.begin
    if (opened === undefined || begin?.header?.stream !== stream || begin.header.id !== id) {
      await opened?.file.close()
      const size = opened?.size ?? (await tryTwice(() => folder.disk.stat(path)))?.size ?? 0
      const isUnread = opened === undefined || opened.around.unreadable.pieces.length > 0
      if (opened === undefined || begin?.isSilent === true) silent += 1
      // Who died while making a pack leaves a file without its header; and nothing in a cache pack is anybody's.
      const isNone = begin?.isEmpty === true || stream === 'cache' || size <= packOverheadBytes - 4096
      if (isNone && !isUnread) await folder.disk.unlink(path)
      else {
        strangeBytes += physicalBytes(size)
        if (stream === 'kept') leastStrangeId = id
        findings.push({ path, problem: isUnread ? 'unreadable' : 'no header', offset: 0, bytes: size })
      }
      continue
    }
    const { file, size, around } = opened
    const { header } = begin
    const pack = new Pack({ slot: packs.length, id, stream, salt: header.salt, path })
    packs.push(pack)
    const sealed = await readFooter(around, size, header, memory)
    // Tags that another seed has made say nothing here.
    const isOwn = sealed !== undefined && Buffer.compare(sealed.footer.storeId, parts.storeId) === 0
    const footer = isOwn ? sealed.footer : undefined
    let rows: PackRows
    let held: PackRows | undefined
    let lost: readonly LostRecord[] = []
    if (footer === undefined) {
      pack.table = new PackTable()
      const scan = await scanInto(pack, around, size, parts.tagger)
      findings.push(...scan.findings)
      lost = scan.lostRecords
      rows = await pack.table.rows()
      held = rows
      scanned.push(pack)
    } else {
      pack.state = 'sealed'
      pack.footer = footer
      pack.dataEnd = footer.dataEnd
      rows = sealed!.rows
      if (rows.count < fewRows && heldBytes < maxHeldBytes) {
        held = { count: rows.count, numbers: rows.numbers.slice() }
        heldBytes += held.numbers.byteLength
      }
    }
    pack.writtenEnd = pack.dataEnd
    pack.hasTail = size > pack.dataEnd
    pack.syncedEnd = footer === undefined ? 0 : pack.dataEnd
    pack.room = Math.max(physicalBytes(size), roomOf(pack))
    pack.unreadable = around.unreadable.pieces
    if (pack.unreadable.length > 0) pack.state = 'sealed'
    findings.push(...pack.unreadable.map((piece): Finding => ({ path, problem: 'unreadable', ...piece })))
    folder.adopt(pack, file)
    found.push({ pack, count: rows.count, starts: startsOf(rows), rows: held, lost })
    await folder.trim()
  }
  if (silent > 0 && silent === files.length) {
    throw new BlocksError('BLOCKS_IO', `The disk cannot read any of the ${silent} packs in ${folder.path}`)
  }
  await absorbPacks({ ...parts, memory }, found)
  return { scanned, findings, lastId: files[0]?.id ?? 0, strangeBytes, leastStrangeId }
}

/** The packs of a folder, the newest first. */
function packFiles(folder: string, entries: readonly DiskEntry[]) {
  return entries
    .flatMap(({ name }) => {
      const parsed = parsePackName(name)
      return parsed === undefined ? [] : [{ ...parsed, path: `${folder}/${name}` }]
    })
    .sort((left, right) => right.id - left.id)
}

/** Packs in whose place there are others since they cannot be read everywhere. */
async function filesSetAside(folder: PackFolder, entries: readonly DiskEntry[]): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const { name } of entries) {
    if (!name.endsWith(setAside) || parsePackName(name.slice(0, -setAside.length)) === undefined) continue
    const path = `${folder.path}/${name}`
    const bytes = (await tryTwice(() => folder.disk.stat(path)))?.size ?? 0
    findings.push({ path, problem: 'unreadable', offset: 0, bytes })
  }
  return findings
}

/** A pack that was opened. */
interface OpenedFile {
  readonly file: DiskFile
  readonly size: number
  readonly around: FileAround
  readonly begin: Beginning
}

/** How a file begins. */
interface Beginning {
  readonly header: Pick<PackHeader, 'stream' | 'id' | 'salt'> | undefined
  /** Whether it is shorter than a header, or begins with zeros where that should be: then it was never synced. */
  readonly isEmpty: boolean
  /** Whether the disk can read neither its beginning nor its end. */
  readonly isSilent: boolean
}

/** `undefined` if the disk cannot even open it. */
async function openFile(disk: Disk, path: string): Promise<OpenedFile | undefined> {
  const file = await tryTwice(() => disk.open(path, 'write'))
  if (file === undefined) return undefined
  const size = await tryTwice(() => file.size())
  if (size === undefined) {
    await file.close()
    return undefined
  }
  const around = readingAround(file)
  try {
    return { file, size, around, begin: await beginningOf(around, size) }
  } catch (error) {
    await file.close()
    throw error
  }
}

async function beginningOf(around: FileAround, size: number): Promise<Beginning> {
  const bytes = Buffer.alloc(packHeaderBytes)
  const read = await around.read(bytes, 0)
  const header = decodePackHeader(bytes.subarray(0, read), around.path)
  const isUnread = around.unreadable.pieces.length > 0
  if (header !== undefined || !isUnread) {
    const isEmpty = read < packHeaderBytes || bytes.every((byte) => byte === 0)
    return { header, isEmpty, isSilent: false }
  }
  // The salt, without which no frame can be told, is in the trailer as well.
  const trailer = await readTrailer(around, size)
  const end = { offset: Math.max(0, size - trailerBytes), bytes: trailerBytes }
  const stream = parsePackName(around.path.slice(around.path.lastIndexOf('/') + 1))!.stream
  return {
    header: trailer && { stream, id: trailer.id, salt: trailer.salt },
    isEmpty: false,
    isSilent: around.unreadable.overlaps(end),
  }
}

/** The first row of each range of tags, and the number of rows. */
function startsOf({ count, numbers }: PackRows): Uint32Array {
  const starts = new Uint32Array(tagRanges + 1)
  for (let range = 1; range <= tagRanges; range++) {
    const least = range * (0x1_0000_0000 / tagRanges)
    let low = starts[range - 1]!
    for (let high = count; low < high;) {
      const middle = (low + high) >>> 1
      if (numbers[middle * 4]! < least) low = middle + 1
      else high = middle
    }
    starts[range] = low
  }
  return starts
}

/** What was taken for a pack that has no footer yet: its frames, and what the footer will take. */
function roomOf({ table, dataEnd }: Pack): number {
  if (table === undefined) return 0
  return dataEnd - packHeaderBytes + packOverheadBytes + table.count * rowBytes + table.keyBytes
}

/** Fills the table of a pack from its frames. */
async function scanInto(
  pack: Pack,
  file: FileAround,
  size: number,
  tagger: Tagger,
): Promise<{ readonly findings: readonly Finding[]; readonly lostRecords: readonly LostRecord[] }> {
  const scan = scanPack(file, size, pack, { verify: 'runs' })
  for await (const frames of scan) {
    for (const { kind, key, offset, payloadBytes } of frames) {
      const { high, low } = tagOfFrame(tagger, kind, key)
      pack.table!.add(high, low, offset, payloadBytes, kind, key)
    }
  }
  pack.dataEnd = scan.end
  const { path } = pack
  const findings = scan.damages.map(({ offset, bytes }): Finding => ({
    path,
    problem: 'damaged region',
    offset,
    bytes,
  }))
  const tail = { offset: scan.end, bytes: size - scan.end }
  if (tail.bytes > 0) {
    // There may have been frames in it, if a part of it cannot be read.
    const problem = file.unreadable.overlaps(tail) ? 'damaged region' : 'torn tail'
    findings.push({ path, problem, ...tail })
  }
  const lostRecords = [...scan.damages, ...scan.tail].flatMap(({ offset, frame }): LostRecord[] => {
    if (frame?.kind !== frameKinds.record) return []
    tagger.record(frame.key)
    return [{ high: tagger.high, low: tagger.low, offset, key: frame.key }]
  })
  return { findings, lostRecords }
}
