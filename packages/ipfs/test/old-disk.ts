/** An old store on a simulated disk, and a store of packs over it. */
import { createHash } from 'node:crypto'
import { type Blocks, openBlocks } from '@ipfs-kit/blocks'
import { random } from '@ipfs-kit/concurrency'
import { type Disk, DiskError, type DiskFile, type SimDisk, simDisk } from '@ipfs-kit/disk'
import * as dagPb from '@ipld/dag-pb'
import { base32upper } from 'multiformats/bases/base32'
import { CID } from 'multiformats/cid'
import { code as rawCode } from 'multiformats/codecs/raw'
import { create } from 'multiformats/hashes/digest'
import { expect } from 'vitest'
import { linksOf } from '../src/codecs.ts'
import { MigratingBlocks } from '../src/migrating-blocks.ts'
import { Migration, type MigrationOptions } from '../src/migration.ts'
import { findOldBlocks } from '../src/old-blocks.ts'

export const path = '/home/blocks'

export interface Block {
  readonly cid: CID
  readonly bytes: Buffer
}

/** A whole number below one. */
export function whole(max: number): number {
  return Math.floor(random() * max)
}

export function blockOf(bytes: Buffer, codec = rawCode): Block {
  return { cid: CID.createV1(codec, create(0x12, createHash('sha256').update(bytes).digest())), bytes }
}

/** Blocks of so many bytes, about. */
export function leaves(count: number, size = 200, name = 'leaf'): Block[] {
  return Array.from({ length: count }, (_, number) =>
    blockOf(Buffer.from(`${name} ${number} `.repeat(Math.ceil(size / 10)))),
  )
}

/** A node that links to others. */
export function nodeOver(blocks: readonly Block[]): Block {
  const Links = blocks.map(({ cid, bytes }) => ({ Hash: cid, Tsize: bytes.length }))
  return blockOf(Buffer.from(dagPb.encode(dagPb.prepare({ Data: new Uint8Array([8, 2]), Links }))), 0x70)
}

export function fileOf(cid: CID): string {
  const name = base32upper.encoder.encode(cid.multihash.bytes)
  return `${path}/${name.slice(-2)}/${name}.data`
}

/** Puts files of blocks on a disk. */
export async function makeOld(disk: Disk, blocks: readonly Block[]): Promise<void> {
  for (const { cid, bytes } of blocks) {
    const file = fileOf(cid)
    const shard = file.slice(0, file.lastIndexOf('/'))
    await disk.makeFolder(shard)
    const handle = await disk.open(file, 'create-new')
    await handle.write([bytes], 0)
    await handle.sync()
    await handle.close()
    await disk.syncFolder(shard)
  }
}

/** A disk with an old store. */
export async function oldDisk(blocks: readonly Block[]): Promise<SimDisk> {
  const disk = simDisk({ seed: whole(2 ** 30) })
  await makeOld(disk, blocks)
  return disk
}

/** The same disk, whose files do some things in another way. */
function changedFiles(disk: Disk, change: (handle: DiskFile, file: string) => Partial<DiskFile>): Disk {
  return {
    ...disk,
    open: async (file, mode) => {
      const handle = await disk.open(file, mode)
      return { ...handle, ...change(handle, file) }
    },
  }
}

/** The same disk, where reads of some files fail: `fails` says how many more. */
export function failingReads(disk: Disk, fails: (file: string) => boolean): Disk {
  return changedFiles(disk, (handle, file) => ({
    read: async (into, position) => {
      if (fails(file)) throw new DiskError('DISK_IO', `Cannot read ${file} (EIO)`, { systemCode: 'EIO' })
      return handle.read(into, position)
    },
  }))
}

/** The same disk, which writes some bytes wrong wherever they are part of what is written. */
export function wrongWrites(disk: Disk, bytes: Buffer): Disk {
  const changed = (buffers: readonly Uint8Array[]): readonly Uint8Array[] => {
    const whole = Buffer.concat(buffers)
    const at = whole.indexOf(bytes)
    if (at === -1) return buffers
    whole[at]! ^= 1
    return [whole]
  }
  return changedFiles(disk, (handle) => ({
    write: (buffers, position) => handle.write(changed(buffers), position),
    writeNow: (buffers, position) => handle.writeNow(changed(buffers), position),
  }))
}

export interface Opened {
  readonly packs: Blocks
  readonly blocks: MigratingBlocks
  readonly migration: Migration
}

/** Opens both. The old store may be read through another disk. */
export async function opened(
  disk: Disk,
  options: Partial<MigrationOptions> & { readonly maxBytes?: number; readonly oldFrom?: Disk } = {},
): Promise<Opened> {
  const { maxBytes, oldFrom = disk, ...given } = options
  const old = (await findOldBlocks(oldFrom, path))!
  const migration = new Migration({ old, pins: () => [], ...given })
  const packs = await openBlocks({
    path,
    disk,
    packBytes: 65_536,
    ...(maxBytes === undefined ? {} : { maxBytes, minFreeBytes: 0 }),
    claims: () => migration.claims(),
    links: linksOf,
  })
  migration.begin(packs)
  return { packs, blocks: new MigratingBlocks(packs, migration), migration }
}

/** Waits until it has ended, one way or the other. */
export async function ended({ migration }: Opened): Promise<ReturnType<Migration['progress']>> {
  await migration.settled().catch(() => {})
  return migration.progress()
}

/** Whether all these are answered as they are. */
export async function readAll(
  store: { get(cid: CID): Promise<Uint8Array | undefined> },
  blocks: readonly Block[],
): Promise<void> {
  for (const { cid, bytes } of blocks) {
    expect(Buffer.from((await store.get(cid)) ?? 'nothing').toString('latin1')).toBe(bytes.toString('latin1'))
  }
}
