/** Opens a node over a folder. */
import { join, resolve } from 'node:path'
import { openBlocks } from '@ipfs-kit/blocks'
import { createOwner } from '@ipfs-kit/concurrency'
import { nodeDisk } from '@ipfs-kit/disk'
import { createAdd } from './add.ts'
import { BlockStore } from './block-store.ts'
import { Calls } from './calls.ts'
import { createCar } from './car.ts'
import { linksOf } from './codecs.ts'
import { createBlocks, createDag } from './dag.ts'
import { IpfsError } from './errors.ts'
import { createFiles } from './files.ts'
import { HeliaBlockstore } from './helia-blockstore.ts'
import type { Ipfs, IpfsStats } from './ipfs.ts'
import { createPins, PinRecords } from './pins.ts'
import { createRepo } from './repo.ts'
import { storeFailure } from './store-failure.ts'

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
}

const known = new Set(['path', 'maxBlockBytes', 'maxBytes', 'minFreeBytes'])

/**
 * Opens a node. What an earlier process left half written is cut off.
 *
 * @throws TypeError for an unknown option, RangeError for a bad number; IpfsError IPFS_STORE_FAILED when the folder
 * cannot be used, IPFS_STORE_FULL when it cannot be made for lack of room
 */
export async function openIpfs(options: IpfsOptions): Promise<Ipfs> {
  const { path, maxBlockBytes = 2_097_152, ...limits } = options
  for (const key of Object.keys(options))
    if (!known.has(key)) throw new TypeError(`openIpfs has no option ${JSON.stringify(key)}`)
  if (typeof path !== 'string' || path === '') throw new TypeError('path is the folder of the node')
  if (!Number.isSafeInteger(maxBlockBytes) || maxBlockBytes < 1 || maxBlockBytes > 16_777_216) {
    throw new RangeError(`maxBlockBytes is a whole number from 1 to 16,777,216, not ${maxBlockBytes}`)
  }

  const folder = resolve(path)
  try {
    await nodeDisk().makeFolder(folder)
  } catch (cause) {
    throw new IpfsError('IPFS_STORE_FAILED', `The folder ${path} cannot be made`, { cause })
  }
  // The pins first: a newer version's are refused before anything is made beside them.
  await using opening = new AsyncDisposableStack()
  const records = opening.adopt(new PinRecords(join(folder, 'pins.sqlite')), (pins) => pins.close())
  const packs = opening.use(
    await failingAs(storeFailure, () =>
      openBlocks({
        path: join(folder, 'blocks'),
        ...limits,
        claims: () => records.all(),
        links: linksOf,
      }),
    ),
  )
  const owner = opening.use(createOwner({ name: 'ipfs' }))
  const calls = new Calls()
  opening.defer(() => calls.close())
  const blocks = new BlockStore({ packs, maxBlockBytes, scope: owner.scope })
  const blockstore = new HeliaBlockstore({ blocks, calls })
  const parts = { records, blocks, blockstore, calls, owner, maxBlockBytes }

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
    stats: () => statsOf(blocks),
    close,
    [Symbol.asyncDispose]: close,
  }
}

function statsOf(blocks: BlockStore): IpfsStats {
  const { blocksRead, blocksWritten, bytesRead, bytesWritten, corruptReads, openLeases } = blocks.stats()
  return Object.freeze({ blocksRead, blocksWritten, bytesRead, bytesWritten, corruptReads, openLeases })
}

async function failingAs<T>(failure: (error: unknown) => unknown, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw failure(error)
  }
}
