/** What the two sides of the index in SQLite say to each other. */
import type { ImageHead, IndexPart, Retention } from '../store/operation-index.ts'
import type { Totals } from './groups.ts'

/** A batch whose memory is moved: the lengths of its payloads, 4 bytes each in the order of the machine, and the payloads. */
export interface PackedBatch {
  readonly firstLsn: number
  readonly count: number
  readonly bytes: ArrayBuffer
}

/** Where the writer stands after what it was asked to do. */
export interface Standing {
  readonly lsn: number
  /** CRC-32 of the payload of that record. */
  readonly crc: number
  readonly epoch: number
  readonly recovering: number
  /** The last opening: its LSN and time. */
  readonly openedLsn: number
  readonly openedAt: number
  readonly totals: Totals
  /** Lanes to be told of. */
  readonly ready: readonly string[]
}

/** What the writer can be asked for; each takes a moment and no more. */
export interface WriterCalls {
  /** Applies batches, those first for which the volume was full. */
  apply(batches: readonly PackedBatch[]): void
  /** Recovers some of what older epochs were running. */
  sweep(): void
  /** Takes away some of what retention says, but for what is kept; done when there is no more. */
  retain(retention: Retention & { readonly kept: readonly number[] }): {
    readonly operations: number
    readonly keys: number
    readonly isDone: boolean
  }
  /** Begins anew with an empty file. */
  loadBegin(): void
  loadPart(part: IndexPart): void
  loadEnd(head: Pick<ImageHead, 'lsn' | 'epoch'>): void
  /** Begins an image. */
  imageBegin(image: number): ImageHead
  imagePart(image: number): IndexPart | undefined
  imageEnd(image: number): void
  /** Goes on with another file, which takes the place of its own. */
  replace(path: string): void
  close(): void
}

/** A call. */
export interface WriterCall {
  readonly name: keyof WriterCalls
  readonly argument: unknown
}

/** The answers come in the order of the calls. */
export interface WriterAnswer {
  readonly value: unknown
  /** The volume was full, as SQLite says it: nothing was changed. */
  readonly full?: string
  readonly standing: Standing
}

/** Puts payloads into memory that can be moved; they may change afterwards. */
export function packBatch(firstLsn: number, payloads: readonly Uint8Array[]): PackedBatch {
  const count = payloads.length
  const total = payloads.reduce((sum, { length }) => sum + length, 0)
  const bytes = new ArrayBuffer(count * 4 + total)
  const lengths = new Uint32Array(bytes, 0, count)
  const body = new Uint8Array(bytes)
  let at = count * 4
  let nth = 0
  for (const payload of payloads) {
    lengths[nth] = payload.length
    body.set(payload, at)
    at += payload.length
    nth += 1
  }
  return { firstLsn, count, bytes }
}

/** The payloads of a batch, which lie in its memory. */
export function* payloadsOf({ count, bytes }: PackedBatch): Generator<Uint8Array> {
  const lengths = new Uint32Array(bytes, 0, count)
  let at = count * 4
  for (const length of lengths) {
    yield new Uint8Array(bytes, at, length)
    at += length
  }
}
