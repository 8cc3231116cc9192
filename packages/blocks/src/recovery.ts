/**
 * What opening does with the packs that are there. First it looks at each, from the newest to the oldest: a pack with a
 * valid footer is not read any further, one without is scanned. Then it lets the rows of all into the index.
 */
import type { DiskFile } from '@ipfs-kit/disk'
import { absorbPacks, type FoundPack, type LostRecord, tagRanges } from './absorb-packs.ts'
import type { Catalog } from './catalog.ts'
import { createRowMemory, type PackRows, readFooter, rowBytes } from './footer.ts'
import { frameKinds } from './frame.ts'
import { Pack, physicalBytes } from './pack.ts'
import type { PackFolder } from './pack-folder.ts'
import { parsePackName } from './pack-folder.ts'
import { decodePackHeader, packHeaderBytes } from './pack-header.ts'
import { packOverheadBytes } from './pack-stream.ts'
import { scanPack } from './pack-scan.ts'
import { PackTable } from './pack-table.ts'
import type { Tagger } from './tags.ts'

/** Fewer rows than this stay in memory between the two passes, of all packs together up to `maxHeldBytes`. */
const fewRows = 4096
const maxHeldBytes = 32 * 1024 * 1024

/** Something that is not as a clean close leaves it. */
export interface Finding {
  readonly path: string
  readonly problem: 'no header' | 'damaged region' | 'torn tail'
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

/** Reads the folder. @throws BlocksError BLOCKS_FORMAT_TOO_NEW; DiskError */
export async function recoverPacks(parts: RecoveryParts): Promise<Recovered> {
  const { folder, packs } = parts
  const files = (await folder.disk.list(folder.path))
    .flatMap(({ name }) => {
      const parsed = parsePackName(name)
      return parsed === undefined ? [] : [{ ...parsed, path: `${folder.path}/${name}` }]
    })
    .sort((left, right) => right.id - left.id)
  const findings: Finding[] = []
  const scanned: Pack[] = []
  const found: FoundPack[] = []
  const memory = createRowMemory()
  let heldBytes = 0
  let strangeBytes = 0
  for (const { stream, id, path } of files) {
    const file = await folder.disk.open(path, 'write')
    const size = await file.size()
    const header = await readHeader(file, path)
    if (header === undefined || header.stream !== stream || header.id !== id) {
      const isEmpty = await beginsEmpty(file)
      await file.close()
      // Who died while making a pack leaves a file without its header; and nothing in a cache pack is anybody's.
      if (isEmpty || stream === 'cache' || size <= packOverheadBytes - 4096) await folder.disk.unlink(path)
      else {
        strangeBytes += physicalBytes(size)
        findings.push({ path, problem: 'no header', offset: 0, bytes: size })
      }
      continue
    }
    const pack = new Pack({ slot: packs.length, id, stream, salt: header.salt, path })
    packs.push(pack)
    const sealed = await readFooter(file, size, header, memory)
    // Tags that another seed has made say nothing here.
    const isOwn = sealed !== undefined && Buffer.compare(sealed.footer.storeId, parts.storeId) === 0
    const footer = isOwn ? sealed.footer : undefined
    let rows: PackRows
    let held: PackRows | undefined
    let lost: readonly LostRecord[] = []
    if (footer === undefined) {
      pack.table = new PackTable()
      const scan = await scanInto(pack, file, size, parts.tagger)
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
    folder.adopt(pack, file)
    found.push({ pack, count: rows.count, starts: startsOf(rows), rows: held, lost })
    await folder.trim()
  }
  await absorbPacks({ ...parts, memory }, found)
  return { scanned, findings, lastId: files[0]?.id ?? 0, strangeBytes }
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

/** Whether a file is shorter than a header, or begins with zeros where that should be: then it was never synced. */
async function beginsEmpty(file: DiskFile): Promise<boolean> {
  const bytes = Buffer.alloc(packHeaderBytes)
  return (await file.read(bytes, 0)) < packHeaderBytes || bytes.every((byte) => byte === 0)
}

async function readHeader(file: DiskFile, path: string): Promise<ReturnType<typeof decodePackHeader>> {
  const bytes = Buffer.alloc(packHeaderBytes)
  const read = await file.read(bytes, 0)
  return decodePackHeader(bytes.subarray(0, read), path)
}

/** Fills the table of a pack from its frames. */
async function scanInto(
  pack: Pack,
  file: DiskFile,
  size: number,
  tagger: Tagger,
): Promise<{ readonly findings: readonly Finding[]; readonly lostRecords: readonly LostRecord[] }> {
  const frames = scanPack(file, size, pack, { verify: true })
  for await (const { kind, key, offset, payloadBytes } of frames) {
    if (kind === frameKinds.block || kind === frameKinds.goneBlock) tagger.block(key)
    else tagger.record(key)
    pack.table!.add(tagger.high, tagger.low, offset, payloadBytes, kind, key)
  }
  pack.dataEnd = frames.end
  const { path } = pack
  const findings = frames.damages.map(({ offset, bytes }): Finding => ({
    path,
    problem: 'damaged region',
    offset,
    bytes,
  }))
  if (frames.end < size)
    findings.push({ path, problem: 'torn tail', offset: frames.end, bytes: size - frames.end })
  const lostRecords = [...frames.damages, ...frames.tail].flatMap(({ offset, frame }): LostRecord[] => {
    if (frame?.kind !== frameKinds.record) return []
    tagger.record(frame.key)
    return [{ high: tagger.high, low: tagger.low, offset, key: frame.key }]
  })
  return { findings, lostRecords }
}
