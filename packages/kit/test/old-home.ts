/** A home as versions with home format 1 left it. */
import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openKit } from '@ipfs-kit/kit'
import { FsBlockstore } from 'blockstore-fs'
import { NextToLast } from 'blockstore-fs/sharding'
import { collect } from './collect.ts'
import { addFiles } from './open-kit.ts'
import { temporaryHome } from './temporary-home.ts'

/** Makes one with these files, pinned; answers its path and the root. */
export async function oldHome(
  files: Record<string, string>,
): Promise<{ readonly home: string; readonly cid: string }> {
  const home = await temporaryHome()
  const kit = await openKit({ home, role: 'command' })
  const cid = await addFiles(kit, files)
  const blocks = await collect(kit.ipfs.blockstore.getAll())
  const contents = await Promise.all(blocks.map(async ({ bytes }) => Buffer.concat(await collect(bytes))))
  await kit.close()
  await rm(join(home, 'blocks'), { recursive: true })
  await rm(join(home, 'log'), { recursive: true, force: true })
  const store = new FsBlockstore(join(home, 'blocks'), { shardingStrategy: new NextToLast() })
  await store.open()
  for (const [index, { cid }] of blocks.entries()) await store.put(cid, contents[index]!)
  await store.close()
  // The table is the same in both.
  const pins = new DatabaseSync(join(home, 'pins.sqlite'))
  pins.exec('PRAGMA user_version = 1')
  pins.close()
  await writeFile(join(home, 'format'), '1\n')
  return { home, cid }
}

/** The two-letter folders of the old layout. */
export async function oldFolders(home: string): Promise<string[]> {
  return (await readdir(join(home, 'blocks'))).filter((name) => /^[A-Z2-7]{2}$/.test(name))
}
