/** Opens a node over a folder. */
import { join, resolve } from 'node:path'
import { type Blocks, type Claim, openBlocks } from '@ipfs-kit/blocks'
import { createOwner } from '@ipfs-kit/concurrency'
import { nodeDisk } from '@ipfs-kit/disk'
import type { CID } from 'multiformats/cid'
import { createAdd } from './add.ts'
import { type CreateBlockCache, directly } from './block-cache.ts'
import { BlockStore } from './block-store.ts'
import { Calls } from './calls.ts'
import { createCar } from './car.ts'
import { linksIfKnown, linksOf } from './codecs.ts'
import { createBlocks, createDag } from './dag.ts'
import { IpfsError } from './errors.ts'
import { createFiles } from './files.ts'
import { HeliaBlockstore } from './helia-blockstore.ts'
import type { Ipfs, IpfsStats } from './ipfs.ts'
import { MigratingBlocks } from './migrating-blocks.ts'
import { Migration } from './migration.ts'
import { findOldBlocks } from './old-blocks.ts'
import { createPins, PinRecords } from './pins.ts'
import { createRepo } from './repo.ts'
import { storeFailure } from './store-failure.ts'

/** A root that is kept with all that is below it. */
export type Root = Pick<Claim, 'cid' | 'missing'>

/** Options of {@link openIpfs}. */
export interface IpfsOptions {
  /** Folder of the node: `blocks/` and `pins.sqlite` go into it. Made if it is not there. One process at a time. */
  readonly path: string
  /** Largest block that is stored, 1 to 16,777,216 bytes. Default 2,097,152, what peers accept. */
  readonly maxBlockBytes?: number
  /** Bytes that the blocks may take on the volume, 1 MiB or more. Default: 80 % of the volume. */
  readonly maxBytes?: number
  /** Room on the volume that the node leaves alone. Default: 1 GiB or 5 % of the volume, whichever is less. */
  readonly minFreeBytes?: number
  /** What reads go through before they come to the packs. Default: nothing. */
  readonly cache?: CreateBlockCache
  /**
   * Roots that others keep besides the pins, as they are now, such as those of work that was promised: what is here of their
   * DAGs is neither collected nor evicted. With `missing: 'skip'` nobody has promised that all below is here, and what is not
   * stops no collection. Whoever gives them calls `store.noteRetained` when there are more. Default: none.
   */
  readonly roots?: () => Iterable<Root> | AsyncIterable<Root>
  /**
   * When the blocks of an older version move into packs, if there are any: `at-opening` and in the background, or `when-run`,
   * as long as somebody runs {@link Ipfs.migration}. Default `at-opening`.
   */
  readonly migrates?: 'at-opening' | 'when-run'
}

const known = new Set(['path', 'maxBlockBytes', 'maxBytes', 'minFreeBytes', 'cache', 'roots', 'migrates'])

/**
 * Opens a node. What an earlier process left half written is cut off.
 *
 * @throws TypeError for an unknown option, RangeError for a bad number; IpfsError IPFS_STORE_FAILED when the folder
 * cannot be used, IPFS_STORE_FULL when it cannot be made for lack of room
 */
export async function openIpfs(options: IpfsOptions): Promise<Ipfs> {
  const { path, maxBlockBytes = 2_097_152, cache: createCache = directly, ...rest } = options
  for (const key of Object.keys(options))
    if (!known.has(key)) throw new TypeError(`openIpfs has no option ${JSON.stringify(key)}`)
  if (typeof path !== 'string' || path === '') throw new TypeError('path is the folder of the node')
  if (!Number.isSafeInteger(maxBlockBytes) || maxBlockBytes < 1 || maxBlockBytes > 16_777_216) {
    throw new RangeError(`maxBlockBytes is a whole number from 1 to 16,777,216, not ${maxBlockBytes}`)
  }
  if (typeof createCache !== 'function') throw new TypeError('cache is a function that makes one')
  if (rest.roots !== undefined && typeof rest.roots !== 'function')
    throw new TypeError('roots is a function that gives them')
  if (!['at-opening', 'when-run', undefined].includes(rest.migrates))
    throw new TypeError(`migrates is at-opening or when-run, not ${JSON.stringify(rest.migrates)}`)
  checkLimit('maxBytes', options.maxBytes, 1_048_576)
  checkLimit('minFreeBytes', options.minFreeBytes, 0)

  const folder = resolve(path)
  try {
    await nodeDisk().makeFolder(folder)
  } catch (cause) {
    throw new IpfsError('IPFS_STORE_FAILED', `The folder ${path} cannot be made`, { cause })
  }
  // The pins first: a newer version's are refused before anything is made beside them.
  await using opening = new AsyncDisposableStack()
  const records = opening.adopt(new PinRecords(join(folder, 'pins.sqlite')), (pins) => pins.close())
  const { packs, migration } = await failingAs(storeFailure, () => openStore(folder, rest, records))
  opening.use(packs)
  const cache = opening.use(createCache(packs, linksIfKnown))
  const owner = opening.use(createOwner({ name: 'ipfs' }))
  const calls = new Calls()
  opening.defer(() => calls.close())
  const blocks = new BlockStore({ packs, cache, maxBlockBytes, scope: owner.scope })
  const blockstore = new HeliaBlockstore({ blocks, calls })
  const parts = { records, blocks, blockstore, calls, owner, maxBlockBytes, migration }

  const resources = opening.move()
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => (closing ??= failingAs(storeFailure, () => resources.disposeAsync()))
  return {
    files: { add: createAdd(parts), ...createFiles(parts) },
    pins: createPins(parts),
    car: createCar(parts),
    dag: createDag(parts),
    blocks: createBlocks(parts),
    repo: createRepo(parts),
    blockstore,
    store: packs,
    ...(migration === undefined ? {} : { migration }),
    stats: () => statsOf(blocks, migration),
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** Opens the packs, with the blocks of an older version over them if there are any: these begin to move. */
async function openStore(
  folder: string,
  { roots, migrates = 'at-opening', ...limits }: Omit<IpfsOptions, 'path' | 'maxBlockBytes' | 'cache'>,
  records: PinRecords,
): Promise<{ readonly packs: Blocks; readonly migration: Migration | undefined }> {
  const path = join(folder, 'blocks')
  const old = await findOldBlocks(nodeDisk(), path)
  const pins = () => (roots === undefined ? records.all() : pinsAndRoots(records, roots))
  const migration = old === undefined ? undefined : new Migration({ old, pins, migrates })
  const claims = () => migration?.claims() ?? pins()
  const retained = roots === undefined ? {} : { retained: () => cidsOf(roots()) }
  const packs = await openBlocks({ path, ...limits, claims, ...retained, links: linksOf })
  if (migration === undefined) return { packs, migration }
  migration.begin(packs)
  return { packs: new MigratingBlocks(packs, migration), migration }
}

/** The roots last: below them there may be holes. */
async function* pinsAndRoots(
  records: PinRecords,
  roots: NonNullable<IpfsOptions['roots']>,
): AsyncGenerator<Claim, void, undefined> {
  yield* records.all()
  yield* roots()
}

async function* cidsOf(roots: Iterable<Root> | AsyncIterable<Root>): AsyncGenerator<CID, void, undefined> {
  for await (const { cid } of roots) yield cid
}

function statsOf(blocks: BlockStore, migration: Migration | undefined): IpfsStats {
  const { blocksRead, blocksWritten, bytesRead, bytesWritten, corruptReads, openLeases } = blocks.stats()
  const counts = { blocksRead, blocksWritten, bytesRead, bytesWritten, corruptReads, openLeases }
  return Object.freeze(migration === undefined ? counts : { ...counts, migration: migration.progress() })
}

async function failingAs<T>(failure: (error: unknown) => unknown, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw failure(error)
  }
}

function checkLimit(name: string, value: number | undefined, least: number): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= least)) return
  throw new RangeError(`${name} is a whole number from ${least} on, not ${value}`)
}
