/**
 * What opening does with the packs that are there: from the newest to the oldest, so that what is found first is what
 * counts. A pack with a valid footer is not read any further; one without is scanned.
 */
import type { DiskFile } from '@ipfs-kit/disk'
import type { Stream } from './blocks.ts'
import { type Catalog, none, type ReadRows } from './catalog.ts'
import { type PackRows, readFooter, rowBytes } from './footer.ts'
import { frameKinds } from './frame.ts'
import { readKey } from './frame-reader.ts'
import { Pack, physicalBytes } from './pack.ts'
import type { PackFolder } from './pack-folder.ts'
import { parsePackName } from './pack-folder.ts'
import { rowReader } from './pack-frames.ts'
import { decodePackHeader, packHeaderBytes } from './pack-header.ts'
import { packOverheadBytes } from './pack-stream.ts'
import { scanPack, type ScannedFrame } from './pack-scan.ts'
import { PackTable } from './pack-table.ts'
import { placeKind, placeOffset } from './place.ts'
import type { Tagger } from './tags.ts'

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
  const deletions = new Deletions()
  let strangeBytes = 0
  for (const { stream, id, path } of files) {
    const file = await folder.disk.open(path, 'write')
    const size = await file.size()
    const header = await readHeader(file, path)
    if (header === undefined || header.stream !== stream || header.id !== id) {
      const isEmpty = await beginsEmpty(file)
      await file.close()
      // Who died while making a pack leaves a file without its header; and nothing in a cache pack is anybody's.
      if (isEmpty || stream === 'cache') await folder.disk.unlink(path)
      else {
        strangeBytes += physicalBytes(size)
        findings.push({ path, problem: 'no header', offset: 0, bytes: size })
      }
      continue
    }
    const pack = new Pack({ slot: packs.length, id, stream, salt: header.salt, path })
    packs.push(pack)
    const found = await readFooter(file, size, header)
    // Tags that another seed has made say nothing here.
    const isOwn = found !== undefined && Buffer.compare(found.footer.storeId, parts.storeId) === 0
    const footer = isOwn ? found : undefined
    let rows: PackRows
    let lost: readonly ScannedFrame[] = []
    if (footer === undefined) {
      pack.table = new PackTable()
      const scan = await scanInto(pack, file, size, parts.tagger)
      findings.push(...scan.findings)
      lost = scan.lostRecords
      rows = await pack.table.rows()
      scanned.push(pack)
    } else {
      pack.state = 'sealed'
      rows = footer.rows
      pack.footer = footer.footer
      pack.dataEnd = footer.footer.dataEnd
    }
    pack.writtenEnd = pack.dataEnd
    pack.hasTail = size > pack.dataEnd
    pack.syncedEnd = footer === undefined ? 0 : pack.dataEnd
    pack.room = Math.max(physicalBytes(size), roomOf(pack))
    folder.adopt(pack, file)
    await absorb(parts, pack, rows, deletions, footer === undefined ? undefined : rowReader(folder, pack))
    for (const record of lost) await forgetRecord(parts, pack, record, deletions)
    await folder.trim()
  }
  return { scanned, findings, lastId: files[0]?.id ?? 0, strangeBytes }
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
): Promise<{ readonly findings: readonly Finding[]; readonly lostRecords: readonly ScannedFrame[] }> {
  const frames = scanPack(file, size, pack, { verify: true })
  for await (const { kind, key, offset, payloadBytes } of frames) {
    if (kind === frameKinds.block || kind === frameKinds.goneBlock) tagger.block(key)
    else tagger.record(key)
    pack.table!.add(tagger.high, tagger.low, offset, payloadBytes, kind, key)
  }
  pack.dataEnd = frames.end
  const { path } = pack
  const findings = frames.damages.map(({ offset, bytes }): Finding => ({ path, problem: 'damaged region', offset, bytes }))
  if (frames.end < size) findings.push({ path, problem: 'torn tail', offset: frames.end, bytes: size - frames.end })
  const lostRecords = [...frames.damages, ...frames.tail].flatMap(({ offset, frame }) =>
    frame?.kind === frameKinds.record ? [{ ...frame, offset }] : [],
  )
  return { findings, lostRecords }
}

/** The newest value of a record is damaged: an older one must not be answered for it. */
async function forgetRecord(
  parts: RecoveryParts,
  pack: Pack,
  { key, offset }: ScannedFrame,
  deletions: Deletions,
): Promise<void> {
  const { catalog, tagger } = parts
  tagger.record(key)
  const tag = { high: tagger.high, low: tagger.low, kind: frameKinds.record, key }
  deletions.add(tag.high, tag.low, pack.stream, tag.kind, key)
  const earlier = await entryOf(parts, tag, (other) => other === pack)
  if (earlier === none || catalog.offset(earlier) > offset) return
  pack.lose(catalog.length(earlier))
  catalog.remove(earlier)
}

/** Lets the rows of a pack into the index that nothing newer stands for. */
async function absorb(
  { catalog, packs, folder }: RecoveryParts,
  pack: Pack,
  rows: PackRows,
  deletions: Deletions,
  readRows: ReadRows | undefined,
): Promise<void> {
  const { numbers } = rows
  const special: number[] = []
  catalog.absorb(pack.slot, rows, (row, present) => {
    const at = row * 4
    const isGone = placeKind(numbers[at + 2]!) >= frameKinds.goneBlock
    if (isGone || present !== none || deletions.mayHave(numbers[at]!, numbers[at + 1]!)) {
      special.push(at)
      return false
    }
    pack.gain(numbers[at + 3]!)
    return true
  }, readRows)
  // Rows with the same tag lie side by side; of those the last frame counts.
  special.reverse()
  for (const at of special) {
    const [high, low, place, payloadBytes] = [numbers[at]!, numbers[at + 1]!, numbers[at + 2]!, numbers[at + 3]!]
    const row = { high, low, offset: placeOffset(place), kind: placeKind(place), payloadBytes }
    const key = (await readKey(folder, pack, row.offset))?.key
    if (key === undefined) {
      pack.deadBytes += payloadBytes
      continue
    }
    const findEntry = (kind: number, wanted: (pack: Pack) => boolean): Promise<number> =>
      entryOf({ catalog, packs, folder }, { high, low, kind, key }, wanted)
    if (row.kind >= frameKinds.goneBlock) {
      deletions.add(high, low, pack.stream, row.kind - 2, key)
      const earlier = await findEntry(row.kind - 2, (other) => other === pack)
      if (earlier !== none && catalog.offset(earlier) < row.offset) {
        pack.lose(catalog.length(earlier))
        catalog.remove(earlier)
      }
      continue
    }
    const present = await findEntry(row.kind, () => true)
    if (deletions.has(high, low, pack.stream, row.kind, key)) pack.deadBytes += payloadBytes
    else if (present === none) {
      catalog.insert({ high, low, pack: pack.slot, offset: row.offset, length: payloadBytes, mark: 0, stamp: 0 })
      pack.gain(payloadBytes)
    } else {
      const other = packs[catalog.pack(present)]!
      const counts = other === pack ? row.offset > catalog.offset(present) : other.stream === 'cache' && pack.stream === 'kept'
      if (counts) {
        other.lose(catalog.length(present))
        catalog.move(present, high, low, pack.slot, row.offset, payloadBytes)
        pack.gain(payloadBytes)
      } else pack.deadBytes += payloadBytes
    }
  }
}

/** The entry of exactly this key among those with its tag. */
async function entryOf(
  { catalog, packs, folder }: Pick<RecoveryParts, 'catalog' | 'packs' | 'folder'>,
  { high, low, kind, key }: { readonly high: number; readonly low: number; readonly kind: number; readonly key: Buffer },
  wanted: (pack: Pack) => boolean,
): Promise<number> {
  const handles = catalog.hasCold ? [...(await catalog.findCold(high, low))] : []
  for (let at = catalog.find(high, low); at !== none; at = catalog.findNext(at, high, low)) handles.push(at)
  for (const handle of handles) {
    const pack = packs[catalog.pack(handle)]!
    if (!wanted(pack)) continue
    const other = await readKey(folder, pack, catalog.offset(handle))
    if (other?.kind === kind && other.key.equals(key)) return handle
  }
  return none
}

/** Deletions in newer packs, and in later frames of the same pack. */
class Deletions {
  readonly #byTag = new Map<number, { readonly low: number; readonly stream: Stream; readonly kind: number; readonly key: Buffer }[]>()

  add(high: number, low: number, stream: Stream, kind: number, key: Buffer): void {
    const list = this.#byTag.get(high)
    const deletion = { low, stream, kind, key: Buffer.from(key) }
    if (list === undefined) this.#byTag.set(high, [deletion])
    else list.push(deletion)
  }

  mayHave(high: number, low: number): boolean {
    return this.#byTag.get(high)?.some((deletion) => deletion.low === low) === true
  }

  has(high: number, low: number, stream: Stream, kind: number, key: Buffer): boolean {
    const list = this.#byTag.get(high) ?? []
    return list.some((one) => one.low === low && one.stream === stream && one.kind === kind && one.key.equals(key))
  }
}
