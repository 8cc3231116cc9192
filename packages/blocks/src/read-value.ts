/** Reads what is at a place, and checks it against its key. */
import { DiskError } from '@ipfs-kit/disk'
import { lost, matches, verifyGiven } from './digest.ts'
import { diskFailure } from './disk-failure.ts'
import { BlocksError } from './errors.ts'
import { frameKinds } from './frame.ts'
import { damaged, type FrameContent, type Place, readFrame } from './frame-reader.ts'
import type { PackFolder } from './pack-folder.ts'
import type { Key } from './store.ts'

/** The payload at a place, if all is well with it. No more waits than needed: most reads are answered at once. */
export async function readVerified(
  folder: PackFolder,
  place: Place,
  key: Key,
): Promise<Uint8Array | undefined> {
  try {
    const reading = readFrame(folder, place, key.kind, key.bytes)
    const content = reading instanceof Promise ? await reading : reading
    if (!(content instanceof Uint8Array)) return undefined
    const verifying = verified(key, content)
    const checked = verifying instanceof Promise ? await verifying : verifying
    return checked === lost ? undefined : checked
  } catch (error) {
    if (!(error instanceof DiskError || error instanceof BlocksError)) throw error
    // Read again, where failures are told, and it is known whether the pack has gone.
    return undefined
  }
}

/** Reads and verifies a frame; a second time before it is called damaged. @throws BlocksError BLOCKS_IO */
export async function readTwice(folder: PackFolder, place: Place, key: Key): Promise<FrameContent> {
  const first = await readOnce(folder, place, key)
  return first === damaged && place.pack.state !== 'gone' ? readOnce(folder, place, key) : first
}

/** Reads a frame without checking a block against its key. @throws BlocksError BLOCKS_IO */
export async function readRaw(folder: PackFolder, place: Place, key: Key): Promise<FrameContent> {
  try {
    return await readFrame(folder, place, key.kind, key.bytes)
  } catch (cause) {
    if (place.pack.state === 'gone') return damaged
    throw diskFailure(cause, `read ${place.pack.path}`)
  }
}

async function readOnce(folder: PackFolder, place: Place, key: Key): Promise<FrameContent> {
  const content = await readRaw(folder, place, key)
  if (!(content instanceof Uint8Array)) return content
  const checked = await verified(key, content)
  if (checked !== lost) return checked ?? damaged
  const again = await readRaw(folder, place, key)
  return again instanceof Uint8Array && !(await matches(key.bytes, again)) ? damaged : again
}

/** A payload that was read, if it is what its key says. That of a record was checked as it was read. */
function verified(key: Key, content: Uint8Array): ReturnType<typeof verifyGiven> {
  return key.kind === frameKinds.record ? content : verifyGiven(key.bytes, content)
}
