/** Opens a store: checks the options, reads what is there, and puts the parts together. */
import { randomBytes } from 'node:crypto'
import { createOwner } from '@ipfs-kit/concurrency'
import { type Disk, nodeDisk } from '@ipfs-kit/disk'
import type { CID } from 'multiformats/cid'
import type { Blocks, Claim, Stream } from './blocks.ts'
import { diskFailure } from './disk-failure.ts'
import { createEpochs } from './epochs.ts'
import { BlocksError } from './errors.ts'
import { createCatalog } from './open-catalog.ts'
import { OpenedBlocks } from './opened-blocks.ts'
import { Pack } from './pack.ts'
import { PackFolder } from './pack-folder.ts'
import { maxPackId } from './pack-header.ts'
import { packOverheadBytes, PackStream } from './pack-stream.ts'
import { PackTable } from './pack-table.ts'
import { maxFrameOffset } from './place.ts'
import { recoverPacks } from './recovery.ts'
import { publishFinding } from './reports.ts'
import { Room } from './room.ts'
import { sealPack, unsealPack } from './seal-pack.ts'
import { Store, type StoreParts } from './store.ts'
import { createStoreFile, readStoreFile, storeIdOf } from './store-file.ts'
import { createTagger, seedBytes, type Tagger } from './tags.ts'
import { noteUnsynced, rewriteUnsynced, syncNames } from './unsynced.ts'
import { Upkeep } from './upkeep.ts'
import { createVolume } from './volume.ts'

/** Options of {@link openBlocks}. */
export interface BlocksOptions {
  /** Absolute path of the folder. Made if it is not there. One opener at a time. */
  readonly path: string
  /** Default: the system's disk. */
  readonly disk?: Disk
  /** Bytes that packs may take on the volume, 1 MiB or more. Default: 80 % of the volume. */
  readonly maxBytes?: number
  /** Blocks and records at most. Default 1,073,741,824. */
  readonly maxEntries?: number
  /** Room on the volume that the store leaves alone. Default: 1 GiB or 5 % of the volume, whichever is less. */
  readonly minFreeBytes?: number
  /** Files that can still be made on the volume, below which no pack is begun. Default 1,000. */
  readonly minFreeInodes?: number
  /** Bytes of a value at most, up to 4,294,967,295. Default 1,073,741,824 (1 GiB). */
  readonly maxValueBytes?: number
  /** Bytes after which a pack is full, 65,536 to 67,108,864. Default: 64 MiB, or less so that 16 packs make up `maxBytes`. */
  readonly packBytes?: number
  /** Entries whose index is kept in memory, about 30 bytes each; beyond, packs are answered from their footers. Default 16,777,216. */
  readonly maxIndexedEntries?: number
  /** Share of a cache pack that may be appended again when it is dropped, because it was read. 0 to 1. Default 0.1. */
  readonly readmitShare?: number
  /**
   * The roots that somebody keeps, as they are now. Without it what leases put to kept packs stays until it is deleted.
   */
  readonly claims?: () => Iterable<Claim> | AsyncIterable<Claim>
  /**
   * Those roots among the claims that were claimed without a lease, as they are now: what is here of them may lie in cache
   * packs, and is not evicted. Whoever gives them tells by {@link Blocks.noteRetained} when there are more.
   */
  readonly retained?: () => Iterable<CID> | AsyncIterable<CID>
  /** What a block links to; needed with `claims`. Not asked for raw blocks. Throws for what it does not understand. */
  readonly links?: (cid: CID, bytes: Uint8Array) => Iterable<CID>
}

/**
 * Opens a store. After a crash the packs without a footer are scanned; what is damaged or cannot be read is skipped
 * and reported (`blocks:finding`).
 *
 * @throws TypeError, RangeError for options; BlocksError BLOCKS_LOCKED, BLOCKS_FORMAT_TOO_NEW, BLOCKS_CORRUPT_STORE, BLOCKS_IO
 */
export async function openBlocks(options: BlocksOptions): Promise<Blocks> {
  return openWith(options, { makeTagger: createTagger, randomBytes })
}

/** What is chance in a store. Tests make keys collide, and runs repeatable. */
export interface Chance {
  readonly makeTagger: (seed: Uint8Array) => Tagger
  readonly randomBytes: (bytes: number) => Buffer
}

/** The same with a given chance. */
export async function openWith(options: BlocksOptions, chance: Chance): Promise<Blocks> {
  const checked = checkOptions(options)
  const disk = options.disk ?? nodeDisk()
  await using opening = new AsyncDisposableStack()
  try {
    await disk.makeFolder(checked.path)
    const lock = await disk.lock(`${checked.path}/lock`)
    opening.defer(() => lock.close())
    const { seed } =
      (await readStoreFile(disk, checked.path)) ?? (await makeStoreFile(disk, checked.path, chance))
    const volume = await disk.freeSpace(checked.path)
    const maxBytes = checked.maxBytes ?? Math.max(minQuotaBytes, Math.floor(volume.totalBytes * 0.8))
    const minFreeBytes = checked.minFreeBytes ?? Math.min(2 ** 30, Math.floor(volume.totalBytes * 0.05))
    const packBytes =
      checked.packBytes ?? Math.min(maxFrameOffset, Math.max(65_536, Math.floor(maxBytes / 16)))
    const storeId = storeIdOf(seed)
    const folder = new PackFolder(disk, checked.path, storeId)
    opening.defer(() => folder.close())
    const packs: (Pack | undefined)[] = []
    const catalog = createCatalog({
      maxIndexedEntries: checked.maxIndexedEntries,
      packId: (slot) => packs[slot]!.id,
    })
    const tagger = chance.makeTagger(seed)
    const epochs = createEpochs(catalog)
    await rewriteUnsynced(disk, checked.path)
    const { maxIndexedEntries } = checked
    const recovery = { folder, catalog, tagger, storeId, packs, maxIndexedEntries }
    const { scanned, findings, lastId, strangeBytes, leastStrangeId } = await recoverPacks(recovery)
    // Who made the packs that were found may have died before their names were synced.
    await syncNames(folder)

    const owner = createOwner({ name: 'blocks' })
    opening.defer(() => owner.close())
    // Room for what eviction and compaction copy, and for deletions. A cache pack of which all is retained moves as a whole: that
    // is longer than a pack by its last value and its footer.
    const copiedBytes = options.retained === undefined ? packBytes : packBytes * 1.5
    const reserveBytes = copiedBytes + packOverheadBytes
    const room = new Room({
      maxBytes,
      maxEntries: checked.maxEntries,
      entries: () => catalog.entries,
      reserveBytes,
      onShortage: () => upkeep.look(),
    })
    let nextId = lastId
    const newPack = (stream: Stream): Pack => {
      nextId += 1
      if (nextId > maxPackId) throw new BlocksError('BLOCKS_FULL', 'The numbers of packs are used up')
      const free = packs.indexOf(undefined)
      const slot = free === -1 ? packs.length : free
      const salt = chance.randomBytes(4).readUInt32LE(0)
      const pack = new Pack({ slot, id: nextId, stream, salt, path: folder.pathOf(stream, nextId) })
      pack.table = new PackTable()
      packs[slot] = pack
      return pack
    }
    const ownPacks = (stream: Stream): Pack[] =>
      packs.filter((pack) => pack !== undefined).filter((pack) => pack.stream === stream)
    const makeStream = (stream: Stream): PackStream =>
      new PackStream({
        stream,
        owner,
        folder,
        packBytes,
        newPack,
        onLost: (pack, offset, frame) => store.lost(pack, offset, frame),
        seal: async (pack) => room.give(await sealPack(folder, storeId, pack)),
        abandon: (pack) => {
          pack.state = 'gone'
          packs[pack.slot] = undefined
          room.give(pack.room - pack.leftBytes)
        },
        onSyncFailed: async () => {
          if (stream === 'kept') await noteUnsynced(folder, ownPacks('kept'))
        },
      })
    const streams = { kept: makeStream('kept'), cache: makeStream('cache') }
    const store: Store = new Store({
      folder,
      catalog,
      epochs,
      room,
      tagger,
      packs,
      leastStrangeId,
      streams,
      maxValueBytes: checked.maxValueBytes,
      links: options.links ?? (() => []),
      retained: options.retained,
      onAppended: () => upkeep.look(),
    })
    const upkeep: Upkeep = new Upkeep({
      store,
      owner,
      packBytes,
      headroomBytes: packBytes,
      // Others fill the volume too: on a small one it is asked before the floor can be used up.
      volumeEveryBytes: Math.max(65_536, Math.min(64 * 1024 * 1024, minFreeBytes / 2)),
      maxIndexedEntries: checked.maxIndexedEntries,
      readmitShare: checked.readmitShare,
      claims: options.claims,
      volumeBytes: createVolume({
        disk,
        path: checked.path,
        packs,
        room,
        minFreeBytes,
        minFreeInodes: checked.minFreeInodes,
      }),
    })
    room.found(strangeBytes)
    for (const pack of packs) room.found(pack!.room)
    for (const name of ['kept', 'cache'] as const) {
      const found = scanned.filter(({ stream }) => stream === name)
      await resume({ folder, catalog, room }, streams[name], ownPacks(name), found, packBytes)
    }
    await upkeep.lookAtVolume()
    upkeep.look()
    for (const finding of findings) publishFinding(finding)
    return new OpenedBlocks({ store, upkeep, owner, resources: opening.move() })
  } catch (cause) {
    throw diskFailure(cause, `open the store at ${options.path}`)
  }
}

/**
 * Goes on in the newest pack of a stream if it has room for more, and ends the others that a crash left open. One that cannot
 * be read everywhere is left as it is.
 */
async function resume(
  { folder, catalog, room }: Pick<StoreParts, 'folder' | 'catalog' | 'room'>,
  stream: PackStream,
  packs: readonly Pack[],
  scanned: readonly Pack[],
  packBytes: number,
): Promise<void> {
  for (const pack of scanned) stream.found(pack)
  const newest = packs[0]
  // A pack that is answered from its footer has to keep that.
  const isWhole = newest?.unreadable.length === 0
  if (isWhole && newest.dataEnd < packBytes * 0.9 && !catalog.isCold(newest.slot)) {
    if (newest.table !== undefined) stream.resume(newest)
    else if (room.takeReserve(packOverheadBytes)) {
      newest.room += packOverheadBytes
      if (await unsealPack(folder, newest)) stream.resume(newest)
    }
  }
  for (const pack of scanned) if (pack !== stream.pack && pack.unreadable.length === 0) stream.seal(pack)
}

const minQuotaBytes = 1_048_576

/** @throws TypeError, RangeError */
function checkOptions(options: BlocksOptions) {
  for (const key of Object.keys(options)) {
    if (!known.has(key)) throw new TypeError(`openBlocks has no option ${JSON.stringify(key)}`)
  }
  const { path, claims, retained, links, readmitShare = 0.1 } = options
  if (typeof path !== 'string' || !path.startsWith('/')) throw new TypeError('path is an absolute path')
  if (claims !== undefined && links === undefined) throw new TypeError('claims need links')
  if (retained !== undefined && claims === undefined)
    throw new TypeError('retained roots are among the claims')
  type WholeNumber = Exclude<
    keyof BlocksOptions,
    'path' | 'disk' | 'claims' | 'retained' | 'links' | 'readmitShare'
  >
  const wholeNumber = (name: WholeNumber, least: number, most: number): number | undefined => {
    const value = options[name]
    if (value === undefined) return undefined
    if (Number.isSafeInteger(value) && value >= least && value <= most) return value
    throw new RangeError(`${name} is a whole number from ${least} to ${most}, not ${value}`)
  }
  if (!(readmitShare >= 0 && readmitShare <= 1))
    throw new RangeError(`readmitShare is from 0 to 1, not ${readmitShare}`)
  return {
    path,
    maxBytes: wholeNumber('maxBytes', minQuotaBytes, Number.MAX_SAFE_INTEGER),
    maxEntries: wholeNumber('maxEntries', 1, 2 ** 40) ?? 2 ** 30,
    minFreeBytes: wholeNumber('minFreeBytes', 0, Number.MAX_SAFE_INTEGER),
    minFreeInodes: wholeNumber('minFreeInodes', 0, Number.MAX_SAFE_INTEGER) ?? 1000,
    maxValueBytes: wholeNumber('maxValueBytes', 1, 2 ** 32 - 1) ?? 2 ** 30,
    packBytes: wholeNumber('packBytes', 65_536, maxFrameOffset),
    maxIndexedEntries: wholeNumber('maxIndexedEntries', 1, 2 ** 28) ?? 16_777_216,
    readmitShare,
  }
}

const known = new Set([
  'path',
  'disk',
  'maxBytes',
  'maxEntries',
  'minFreeBytes',
  'minFreeInodes',
  'maxValueBytes',
  'packBytes',
  'maxIndexedEntries',
  'readmitShare',
  'claims',
  'retained',
  'links',
])

async function makeStoreFile(
  disk: Disk,
  path: string,
  chance: Chance,
): Promise<{ readonly seed: Uint8Array }> {
  const store = { seed: chance.randomBytes(seedBytes) }
  await createStoreFile(disk, path, store)
  return store
}
