/** The key of a frame that was read, with the tag that its row has. */
import type { FrameRow } from './pack-frames.ts'
import type { Key, ValueKind } from './store.ts'

export function keyOfFrame(row: FrameRow, key: Buffer): Key {
  return { kind: row.kind as ValueKind, bytes: key, high: row.high, low: row.low }
}
