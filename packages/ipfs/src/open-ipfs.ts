/** Opens a node over a folder. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createOwner } from '@ipfs-kit/concurrency'
import { createAdd } from './add.ts'
import { BlockFiles } from './block-files.ts'
import { Calls } from './calls.ts'
import { createCar } from './car.ts'
import { createBlocks, createDag } from './dag.ts'
import { IpfsError } from './errors.ts'
import { createFiles } from './files.ts'
import { createRepo } from './garbage.ts'
import { HeliaBlockstore } from './helia-blockstore.ts'
import type { Ipfs } from './ipfs.ts'
import { createPins, PinRecords } from './pins.ts'
import { Retention } from './retention.ts'

/** Options of {@link openIpfs}. */
export interface IpfsOptions {
  /** Folder of the node: `blocks/` and `pins.sqlite` go into it. Made if it is not there. One process at a time. */
  readonly path: string
  /** Largest block that is stored, 1 to 16,777,216 bytes. Default 2,097,152, what peers accept. */
  readonly maxBlockBytes?: number
}

const known = new Set(['path', 'maxBlockBytes'])

/**
 * Opens a node. What an earlier process left half written is removed.
 *
 * @throws TypeError for an unknown option, RangeError for a bad number; IpfsError IPFS_STORE_FAILED when the folder
 * cannot be used
 */
export async function openIpfs(options: IpfsOptions): Promise<Ipfs> {
  const { path, maxBlockBytes = 2_097_152 } = options
  for (const key of Object.keys(options))
    if (!known.has(key)) throw new TypeError(`openIpfs has no option ${JSON.stringify(key)}`)
  if (typeof path !== 'string' || path === '') throw new TypeError('path is the folder of the node')
  if (!Number.isSafeInteger(maxBlockBytes) || maxBlockBytes < 1 || maxBlockBytes > 16_777_216) {
    throw new RangeError(`maxBlockBytes is a whole number from 1 to 16,777,216, not ${maxBlockBytes}`)
  }

  await mkdir(path, { recursive: true }).catch((cause: unknown) => {
    throw new IpfsError('IPFS_STORE_FAILED', `The folder ${path} cannot be made`, { cause })
  })
  const blocks = new BlockFiles(join(path, 'blocks'), maxBlockBytes)
  // The pins first: they are refused to a second process, which must not take half-written blocks for leftovers.
  const records = new PinRecords(join(path, 'pins.sqlite'))
  try {
    await blocks.open()
  } catch (error) {
    records.close()
    throw error
  }
  const calls = new Calls()
  const retention = new Retention(blocks)
  const blockstore = new HeliaBlockstore({ blocks, retention, calls })
  const owner = createOwner({ name: 'ipfs' })
  const parts = { records, blocks, blockstore, retention, calls, owner, maxBlockBytes }

  const end = async (): Promise<void> => {
    await calls.close()
    await owner.close()
    records.close()
  }
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => (closing ??= end())
  return {
    files: { add: createAdd(parts), ...createFiles(parts) },
    pins: createPins(parts),
    car: createCar(parts),
    dag: createDag(parts),
    blocks: createBlocks(parts),
    repo: createRepo(parts),
    blockstore,
    stats: () => Object.freeze({ ...blocks.stats(), openLeases: retention.openLeases }),
    close,
    [Symbol.asyncDispose]: close,
  }
}
