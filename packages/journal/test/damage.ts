/** Damages what is on the disk of a journal. */
import type { Disk } from '@ipfs-kit/disk'
import type { CID } from 'multiformats/cid'

/** Changes the bytes of a block where they lie in the store. */
export async function damageBlock(disk: Disk, bytes: Uint8Array): Promise<void> {
  for (const { name } of (await disk.list('/blocks')).filter(({ kind }) => kind === 'file')) {
    const file = await disk.open(`/blocks/${name}`, 'write')
    const content = new Uint8Array(await file.size())
    await file.read(content, 0)
    const at = Buffer.from(content).indexOf(bytes)
    if (at !== -1) await file.write([Uint8Array.of(content[at]! ^ 1)], at)
    await file.close()
    if (at !== -1) return
  }
  throw new Error('No file has the bytes')
}

/** Makes the last record that names a CID unreadable. */
export async function damageLastRecordOf(disk: Disk, cid: CID): Promise<void> {
  for (const { name } of (await disk.list('/journal')).toReversed()) {
    const file = await disk.open(`/journal/${name}`, 'write')
    const bytes = new Uint8Array(await file.size())
    await file.read(bytes, 0)
    const at = Buffer.from(bytes).lastIndexOf(cid.bytes)
    if (at !== -1) await file.write([Buffer.from('damage')], at)
    await file.close()
    if (at !== -1) return
  }
  throw new Error(`No record names ${cid}`)
}
