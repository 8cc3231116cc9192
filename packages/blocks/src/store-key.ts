/** Keys of frames that were read, and their tags. */
import { type FrameKind, frameKinds } from './frame.ts'
import type { FrameRow } from './pack-frames.ts'
import type { Key, ValueKind } from './store.ts'
import type { Tagger } from './tags.ts'

/** The key of a frame, with the tag that its row has. */
export function keyOfFrame(row: FrameRow, key: Buffer): Key {
  return { kind: row.kind as ValueKind, bytes: key, high: row.high, low: row.low }
}

/** The tag of a frame's key: a deletion has that of what it deletes. */
export function tagOfFrame(
  tagger: Tagger,
  kind: FrameKind,
  key: Uint8Array,
): { readonly high: number; readonly low: number } {
  if (kind === frameKinds.block || kind === frameKinds.goneBlock) tagger.block(key)
  else tagger.record(key)
  return { high: tagger.high, low: tagger.low }
}
