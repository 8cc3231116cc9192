/** Frames that are written together: the pieces of memory that they are made of. */
import { createEvent, type Event } from '@ipfs-kit/concurrency'
import {
  frameAlignment,
  frameHeaderBytes,
  type FrameKind,
  type FrameSite,
  writeFrameHeader,
} from './frame.ts'
import { FrameRun } from './frame-runs.ts'
import type { Batch, Former, Pack } from './pack.ts'

/** Payloads up to this size are copied next to their headers; larger ones are handed to the disk as they are. */
export const copyBytes = 16 * 1024
const stagingBytes = 256 * 1024

/** A frame to append. */
export interface NewFrame {
  readonly kind: FrameKind
  readonly key: Uint8Array
  readonly high: number
  readonly low: number
  readonly payload: Uint8Array
  readonly payloadCrc: number | undefined
  /** Where the key led before, so that it can again if this frame is not written. */
  readonly former: Former | undefined
}

/** A batch that is being gathered, or written. */
export interface OpenBatch extends Batch {
  readonly pack: Pack
  readonly written: Event
  failure: Error | undefined
  readonly position: number
  bytes: number
  readonly buffers: Uint8Array[]
  /** Offsets whose payloads are pending. */
  readonly offsets: number[]
}

/** A batch of the frames that follow in a pack. */
export function openBatch(pack: Pack): OpenBatch {
  return {
    pack,
    written: createEvent({ name: 'write' }),
    failure: undefined,
    position: pack.dataEnd,
    bytes: 0,
    buffers: [],
    offsets: [],
  }
}

/** Memory for headers and small payloads, taken piece by piece. */
export class Staging {
  #memory = Buffer.alloc(0)
  #taken = 0
  readonly #run = new FrameRun()

  /** Adds a frame to a batch. The result holds as little as can be of what belongs to whoever puts it. */
  add(batch: OpenBatch, frame: NewFrame, site: FrameSite, bytes: number): NewFrame {
    const { key, payload } = frame
    const headBytes = frameHeaderBytes + key.length
    const copied = payload.length <= copyBytes
    // Large payloads are in no run: their own check costs a scan little, and here a CRC of them would.
    const run = copied && frame.payloadCrc === undefined ? this.#run.mark(site) : undefined
    const staged = this.#stage(copied ? bytes : headBytes)
    writeFrameHeader(
      staged,
      0,
      { kind: frame.kind, key, payloadBytes: payload.length, payloadCrc: frame.payloadCrc, run },
      site,
    )
    const ownKey = staged.subarray(frameHeaderBytes, headBytes)
    batch.bytes += bytes
    if (copied) {
      staged.set(payload, headBytes)
      staged.fill(0, headBytes + payload.length)
      this.#run.add(site, this.#memory, this.#taken - bytes, this.#taken)
      push(batch, staged)
      return { ...frame, key: ownKey, payload: staged.subarray(headBytes, headBytes + payload.length) }
    }
    batch.buffers.push(staged, payload)
    const padding = bytes - headBytes - payload.length
    if (padding > 0) batch.buffers.push(zeros.subarray(0, padding))
    return { ...frame, key: ownKey }
  }

  #stage(bytes: number): Buffer {
    if (this.#taken + bytes > this.#memory.length) {
      this.#memory = Buffer.allocUnsafeSlow(Math.max(stagingBytes, bytes))
      this.#taken = 0
    }
    const piece = this.#memory.subarray(this.#taken, this.#taken + bytes)
    this.#taken += bytes
    return piece
  }
}

/** Adds a staged piece; one that follows the piece before in memory makes it longer. */
function push(batch: OpenBatch, piece: Buffer): void {
  const last = batch.buffers.at(-1)
  if (
    last !== undefined &&
    last.buffer === piece.buffer &&
    last.byteOffset + last.length === piece.byteOffset
  ) {
    batch.buffers[batch.buffers.length - 1] = Buffer.from(
      last.buffer as ArrayBuffer,
      last.byteOffset,
      last.length + piece.length,
    )
  } else batch.buffers.push(piece)
}

const zeros = Buffer.alloc(frameAlignment)
