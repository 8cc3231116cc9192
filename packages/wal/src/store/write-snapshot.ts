/** Writes a snapshot: under another name, synced, and then under its own. */
import type { Disk, DiskFile } from '@ipfs-kit/disk'
import {
  alignedEnd,
  frameAlignment,
  frameHeaderBytes,
  type FrameSite,
  recordHeaderBytes,
  writeFrame,
} from '../log/frame.ts'
import type { IndexImage } from './operation-index.ts'
import { encodeSnapshotHead, nextSnapshotName, snapshotHeadBytes, snapshotName } from './snapshot.ts'

/** What {@link writeSnapshot} needs. */
export interface WriteSnapshotOptions {
  readonly disk: Disk
  readonly folder: string
  /** Random. */
  readonly id: bigint
  readonly image: Pick<IndexImage, 'head' | 'parts'>
}

/** Replaces the snapshot; resolves to its bytes when it survives a power loss. What fails leaves the one before. @throws DiskError; WalError */
export async function writeSnapshot({ disk, folder, id, image }: WriteSnapshotOptions): Promise<number> {
  const path = `${folder}/${nextSnapshotName}`
  const file = await disk.open(path, 'create')
  let bytes: number
  try {
    await file.truncate(0)
    bytes = await writeAll(file, id, image)
    await file.sync()
    await file.close()
  } catch (error) {
    await file.close()
    await disk.unlink(path)
    throw error
  }
  await disk.rename(path, `${folder}/${snapshotName}`)
  await disk.syncFolder(folder)
  return bytes
}

async function writeAll(file: DiskFile, id: bigint, { head, parts }: WriteSnapshotOptions['image']) {
  await file.write([encodeSnapshotHead({ id, ...head })], 0)
  let at = snapshotHeadBytes
  let frames = 0
  const write = async (...payloads: readonly Uint8Array[]): Promise<void> => {
    frames += 1
    const frame = frameOf(payloads, { segmentId: id, offset: at % 2 ** 32, firstLsn: frames })
    await file.write([frame], at)
    at += frame.length
  }
  for await (const { kind, count, json } of parts()) {
    await write(Buffer.from(JSON.stringify({ kind, count })), json)
  }
  await write(Buffer.from(JSON.stringify({ kind: 'end' })))
  return at
}

function frameOf(payloads: readonly Uint8Array[], site: FrameSite): Buffer {
  const bytes = payloads.reduce((sum, { length }) => sum + recordHeaderBytes + length, frameHeaderBytes)
  const into = Buffer.allocUnsafeSlow(alignedEnd(bytes) + frameAlignment)
  return writeFrame(into, [{ payloads }], payloads.length, site)
}
