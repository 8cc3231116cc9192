/** Keeps a copy of damaged bytes, also when their segment is dropped. */
import type { Disk } from '@ipfs-kit/disk'
import type { Finding } from './log.ts'
import { readAround } from './read-around.ts'

const pieceBytes = 1024 * 1024

/** Copies what damages have found to `quarantine`, with zeros for what cannot be read. What is there already may not be on the device: it is written anew. @throws DiskError */
export async function quarantine(disk: Disk, folder: string, findings: readonly Finding[]): Promise<void> {
  const damages = findings.filter(({ kind, bytes }) => kind === 'damage' && bytes > 0)
  if (damages.length === 0) return
  const into = `${folder}/quarantine`
  await disk.makeFolder(into)
  for (const { segment, offset, bytes } of damages) {
    const path = `${into}/${segment}.${offset}`
    const source = await disk.open(`${folder}/${segment}`, 'read')
    try {
      const target = await disk.open(path, 'create')
      try {
        for (let at = 0; at < bytes; at += pieceBytes) {
          const piece = Buffer.allocUnsafeSlow(Math.min(pieceBytes, bytes - at))
          const read = await readAround(source, piece, offset + at, [])
          await target.write([piece.subarray(0, read)], at)
        }
        await target.sync()
      } finally {
        await target.close()
      }
    } finally {
      await source.close()
    }
  }
  await disk.syncFolder(into)
}
