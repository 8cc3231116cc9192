/** What must hold of the rows of a footer besides their checksum. */
import type { PackRows } from './footer.ts'
import { frameAlignment, frameHeaderBytes, frameKinds } from './frame.ts'
import { maxFrameOffset } from './place.ts'
import { packHeaderBytes } from './pack-header.ts'

/** With more rows than this only the sum of their frames is compared with the data: sorting them by place takes too long for opening. */
const maxCompared = 32_768
const headerUnits = frameHeaderBytes / frameAlignment
/** Multiplies the unit at which a frame begins, to have the one at which it ends behind it. */
const shift = 2 ** 24

/**
 * Whether rows are sorted, each once, and name frames of known kinds between the header and `dataEnd` that do not
 * overlap. How long the keys are is not known here: frames are taken to have none. (What overlaps could not deceive a
 * reader, who checks header, key and payload of the frame.)
 */
export function rowsAreSound(rows: PackRows, dataEnd: number): boolean {
  return areSorted(rows) && areFrames(rows, dataEnd) && lieSideBySide(rows)
}

function areSorted({ count, numbers }: PackRows): boolean {
  for (let at = 4; at < count * 4; at += 4) {
    if (numbers[at]! > numbers[at - 4]!) continue
    if (numbers[at] !== numbers[at - 4]) return false
    const low = numbers[at + 1]!
    const formerLow = numbers[at - 3]!
    if (low < formerLow || (low === formerLow && unitAt(numbers, at) <= unitAt(numbers, at - 4))) return false
  }
  return true
}

function areFrames({ count, numbers }: PackRows, dataEnd: number): boolean {
  const { block: leastKind, goneRecord: mostKind } = frameKinds
  const first = packHeaderBytes / frameAlignment
  const end = dataEnd / frameAlignment
  let units = first
  for (let at = 0; at < count * 4; at += 4) {
    const place = numbers[at + 2]!
    const kind = place >>> 23
    if (kind < leastKind || kind > mostKind) return false
    const unit = place & 0x7fffff
    const least = leastUnits(numbers[at + 3]!)
    if (unit < first || unit + least > end) return false
    units += least
  }
  return units <= end
}

/** What a frame takes without its key, in units of 8 bytes. */
function leastUnits(payloadBytes: number): number {
  return headerUnits + (payloadBytes >>> 3) + ((payloadBytes & 7) === 0 ? 0 : 1)
}

function lieSideBySide({ count, numbers }: PackRows): boolean {
  if (count > maxCompared) return true
  const spans = new Float64Array(count)
  for (let row = 0; row < count; row++) {
    spans[row] = unitAt(numbers, row * 4) * shift + endUnitAt(numbers, row * 4)
  }
  spans.sort()
  for (let row = 1; row < count; row++) {
    if (Math.floor(spans[row]! / shift) < spans[row - 1]! % shift) return false
  }
  return true
}

function unitAt(numbers: Uint32Array, at: number): number {
  return numbers[at + 2]! & 0x7fffff
}

/** Only the last frame may end behind 64 MiB. */
function endUnitAt(numbers: Uint32Array, at: number): number {
  const end = unitAt(numbers, at) + leastUnits(numbers[at + 3]!)
  return Math.min(end, maxFrameOffset / frameAlignment)
}
