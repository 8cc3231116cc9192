/** Looks into the pack files of a node, and damages what is in them. */
import { open, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { CID } from 'multiformats/cid'

/** A copy of a block in a pack file. */
export interface StoredCopy {
  readonly file: string
  /** Byte of the file at which the bytes of the block begin. */
  readonly offset: number
  readonly size: number
}

const headerBytes = 24
const blockKind = 1

/** Names of the pack files. */
export async function packNames(path: string): Promise<string[]> {
  return (await readdir(join(path, 'blocks'))).filter((name) => name.endsWith('.pack')).toSorted()
}

/** All copies of a block that the pack files hold, also those that nothing leads to any more. */
export async function copiesOf(path: string, cid: CID): Promise<StoredCopy[]> {
  const key = Buffer.from(cid.multihash.bytes)
  const copies: StoredCopy[] = []
  for (const name of await packNames(path)) {
    const file = join(path, 'blocks', name)
    const bytes = await readFile(file)
    for (let at = bytes.indexOf(key); at !== -1; at = bytes.indexOf(key, at + 1)) {
      const frame = at - headerBytes
      if (frame < 0 || bytes.toString('latin1', frame, frame + 4) !== 'FRAM') continue
      if (bytes[frame + 14] !== blockKind || bytes.readUInt16LE(frame + 12) !== key.length) continue
      copies.push({ file, offset: at + key.length, size: bytes.readUInt32LE(frame + 8) })
    }
  }
  return copies
}

/** Writes other bytes over all copies of a block. */
export async function damage(path: string, cid: CID, change: (bytes: Buffer) => void): Promise<void> {
  const copies = await copiesOf(path, cid)
  if (copies.length === 0) throw new Error(`There is no copy of ${cid} to damage`)
  for (const { file, offset, size } of copies) {
    const handle = await open(file, 'r+')
    try {
      const bytes = Buffer.alloc(size)
      await handle.read(bytes, 0, size, offset)
      change(bytes)
      await handle.write(bytes, 0, size, offset)
    } finally {
      await handle.close()
    }
  }
}
