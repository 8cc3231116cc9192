/**
 * The file `store` of a folder: that it is a store, in which version, and the seed of its tags.
 *
 * | at | bytes | |
 * | --- | --- | --- |
 * | 0 | 8 | `IPFSSTOR` |
 * | 8 | 2 | version: 1 |
 * | 10 | 2 | 0 |
 * | 12 | 16 | seed |
 * | 28 | 4 | CRC-32 of bytes 0 to 28 |
 *
 * Numbers are little-endian. Later versions keep magic, version and CRC in their places; what is behind them is theirs.
 */
import { type Disk, DiskError, type DiskFile } from '@ipfs-kit/disk'
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { BlocksError } from './errors.ts'
import { storeIdBytes } from './pack-header.ts'
import { seedBytes } from './tags.ts'

const fileBytes = 32
const magic = 'IPFSSTOR'
const version = 1

/** What is known of a store. */
export interface StoreFile {
  /** 16 random bytes. */
  readonly seed: Uint8Array
}

/**
 * Reads the file of a folder; `undefined` if there is none.
 *
 * @throws BlocksError BLOCKS_CORRUPT_STORE, BLOCKS_FORMAT_TOO_NEW
 */
export async function readStoreFile(disk: Disk, folder: string): Promise<StoreFile | undefined> {
  const path = pathOf(folder)
  const file = await openIfThere(disk, path)
  if (file === undefined) return undefined
  const bytes = Buffer.alloc(fileBytes)
  try {
    const read = await file.read(bytes, 0)
    return decode(bytes.subarray(0, read), path)
  } finally {
    await file.close()
  }
}

/**
 * Makes the file of a folder that is there. It survives a power loss once this resolves, and is whole or not there if it
 * does not.
 */
export async function createStoreFile(disk: Disk, folder: string, store: StoreFile): Promise<void> {
  if (store.seed.length !== seedBytes)
    throw new RangeError(`A seed has ${seedBytes} bytes, not ${store.seed.length}`)
  const bytes = Buffer.alloc(fileBytes)
  bytes.write(magic, 0, 'latin1')
  bytes.writeUInt16LE(version, 8)
  bytes.set(store.seed, 12)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, fileBytes - 4)), fileBytes - 4)
  const temporary = `${pathOf(folder)}.tmp`
  const file = await disk.open(temporary, 'create')
  try {
    await file.truncate(0)
    await file.write([bytes], 0)
    await file.sync()
  } finally {
    await file.close()
  }
  await disk.rename(temporary, pathOf(folder))
  await disk.syncFolder(folder)
}

/** Names a store by its seed without telling it: 8 bytes of a hash. */
export function storeIdOf(seed: Uint8Array): Uint8Array {
  return createHash('sha256').update('ipfs-kit store id').update(seed).digest().subarray(0, storeIdBytes)
}

function pathOf(folder: string): string {
  return `${folder}/store`
}

async function openIfThere(disk: Disk, path: string): Promise<DiskFile | undefined> {
  try {
    return await disk.open(path, 'read')
  } catch (error) {
    if (error instanceof DiskError && error.code === 'DISK_NOT_FOUND') return undefined
    throw error
  }
}

function decode(bytes: Buffer, path: string): StoreFile {
  const whole = bytes.length === fileBytes && bytes.toString('latin1', 0, 8) === magic
  if (!whole || crc32(bytes.subarray(0, fileBytes - 4)) !== bytes.readUInt32LE(fileBytes - 4)) {
    throw new BlocksError('BLOCKS_CORRUPT_STORE', `${path} is damaged, or not the file of a store`)
  }
  const found = bytes.readUInt16LE(8)
  if (found > version) {
    throw new BlocksError('BLOCKS_FORMAT_TOO_NEW', `${path} has version ${found}; this is version ${version}`)
  }
  if (found < version)
    throw new BlocksError('BLOCKS_CORRUPT_STORE', `${path} has version ${found}, which never was`)
  return { seed: bytes.subarray(12, 28) }
}
