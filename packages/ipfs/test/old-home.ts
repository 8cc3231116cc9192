/** Homes as versions before the packs left them: a file for each block, written by blockstore-fs, and pins of format 1. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { openIpfs, type AddEntry } from '@ipfs-kit/ipfs'
import Database from 'better-sqlite3'
import { FsBlockstore } from 'blockstore-fs'
import { NextToLast } from 'blockstore-fs/sharding'
import { base32upper } from 'multiformats/bases/base32'
import { CID } from 'multiformats/cid'
import { added, folder } from './opened.ts'

/** A block of an old home. */
export interface OldBlockFile {
  readonly cid: CID
  readonly bytes: Buffer
  /** Path of its file. */
  readonly file: string
}

/** What is in an old home. */
export interface OldHome {
  readonly path: string
  /** The one pin. */
  readonly root: CID
  readonly blocks: readonly OldBlockFile[]
}

/** Files in folders: so many blocks, and a few more. */
function* oldEntries(files: number, times: number): Generator<AddEntry> {
  for (let number = 0; number < files; number += 1) {
    const content = Buffer.from(`old file ${number} `.repeat(times + (number % 40)))
    yield { path: `${number % 7}/${number}`, content }
  }
}

/** Makes an old home with one pinned folder. */
export async function oldHome(files = 200, times = 1): Promise<OldHome> {
  const made = await folder()
  const ipfs = await openIpfs({ path: made })
  const { cid: root } = await added(ipfs, oldEntries(files, times))
  const path = await folder()
  const store = new FsBlockstore(join(path, 'blocks'), { shardingStrategy: new NextToLast() })
  await store.open()
  const blocks: OldBlockFile[] = []
  for await (const { cid, bytes } of ipfs.blockstore.getAll()) {
    const chunks: Uint8Array[] = []
    for await (const chunk of bytes) chunks.push(chunk)
    const whole = Buffer.concat(chunks)
    await store.put(cid, whole)
    blocks.push({ cid, bytes: whole, file: fileOf(path, cid) })
  }
  await store.close()
  await ipfs.close()
  await rm(made, { recursive: true })
  oldPins(path, root)
  return { path, root, blocks }
}

export function fileOf(path: string, cid: CID): string {
  const name = base32upper.encoder.encode(cid.multihash.bytes)
  return join(path, 'blocks', name.slice(-2), `${name}.data`)
}

/** The statements of the version that wrote format 1. */
function oldPins(path: string, root: CID): void {
  const database = new Database(join(path, 'pins.sqlite'))
  database.pragma('journal_mode = WAL')
  database.exec(`
    CREATE TABLE IF NOT EXISTS pins (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      key BLOB NOT NULL UNIQUE,
      cid BLOB NOT NULL,
      depth INTEGER,
      metadata TEXT NOT NULL
    ) STRICT;
    PRAGMA user_version = 1;
  `)
  database
    .prepare('INSERT INTO pins (key, cid, depth, metadata) VALUES (?, ?, NULL, ?)')
    .run(root.bytes, root.bytes, '{"name":"of old"}')
  database.close()
}
