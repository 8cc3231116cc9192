/** Where a frame begins and what it holds, in one number: `offset / 8` in bits 0 to 22, the kind in bits 23 to 25. */
import { frameAlignment, type FrameKind } from './frame.ts'

/** Frames begin below this byte of their pack. */
export const maxFrameOffset = 2 ** 23 * frameAlignment

/** @throws RangeError if the offset is not a multiple of 8 below 64 MiB */
export function placeOf(offset: number, kind: FrameKind): number {
  const unit = offset / frameAlignment
  if (!Number.isInteger(unit) || unit < 0 || offset >= maxFrameOffset) {
    throw new RangeError(
      `A frame begins at a multiple of ${frameAlignment} below ${maxFrameOffset}, not at ${offset}`,
    )
  }
  return kind * 2 ** 23 + unit
}

export function placeOffset(place: number): number {
  return (place & 0x7fffff) * frameAlignment
}

export function placeKind(place: number): FrameKind {
  return (place >>> 23) as FrameKind
}
