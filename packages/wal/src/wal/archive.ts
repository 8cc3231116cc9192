/** Files of operations that have ended, in the folder `archive` beside the log. */
import type { Disk } from '@ipfs-kit/disk'
import { diskFailure } from '../disk-failure.ts'
import { jsonLines } from './export.ts'
import type { LoggedOperation } from '../store/operation.ts'

/** What is in a file. */
export interface Archived {
  readonly file: string
  readonly bytes: number
}

/**
 * Writes operations to a new file, which survives a power loss when this resolves. What fails before leaves none, but for one that
 * ends in `.part`, which the next archive replaces.
 *
 * @throws WalError WAL_FULL, WAL_IO
 */
export async function writeArchive(
  disk: Disk,
  folder: string,
  name: string,
  pages: AsyncIterable<readonly LoggedOperation[]>,
): Promise<Archived> {
  const into = `${folder}/archive`
  const part = `${into}/next.part`
  const file = `${into}/${name}.jsonl`
  let bytes = 0
  try {
    await disk.makeFolder(into)
    await disk.unlink(part)
    const target = await disk.open(part, 'create')
    try {
      for await (const piece of jsonLines(pages)) {
        await target.write([piece], bytes)
        bytes += piece.byteLength
      }
      await target.sync()
    } finally {
      await target.close()
    }
    await disk.rename(part, file)
    await disk.syncFolder(into)
    return { file, bytes }
  } catch (cause) {
    throw diskFailure(cause, `write ${file}`)
  }
}
