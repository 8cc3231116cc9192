/**
 * Finds the frames of a pack by reading it from the front, as is done for a pack without a footer, and to verify one. A
 * frame counts if its header fits, all its bytes are in the file, and its payload has its digest or CRC, or if it is in a run
 * whose CRC fits. Behind a header that fits, the next frame begins where this one ends, whatever the payload is like. Where
 * no header fits, the next one is looked for at every eighth byte.
 */
import { checkpoint } from '@ipfs-kit/concurrency'
import type { DiskFile } from '@ipfs-kit/disk'
import { crc32 } from 'node:zlib'
import { createDigestCheck, matchesNow } from './digest.ts'
import {
  frameAlignment,
  frameBytes,
  type FrameHeader,
  frameHeaderBytes,
  frameKinds,
  type FrameKind,
} from './frame.ts'
import { maxKeyBytes, readFrameHeader, readUnsummedHeader } from './frame.ts'
import { maxRunBytes } from './frame-runs.ts'
import { packHeaderBytes } from './pack-header.ts'
import { maxFrameOffset } from './place.ts'

/** Bytes in memory: a block of 2 MiB with its header. Payloads that are longer are hashed in pieces of this size. */
const windowBytes = 2 * 1_048_576 + 32_768
/** Read at once, unless more is needed: a disk that has it in memory answers this much without a thread. */
const sliceBytes = 524_288
/** Holds a header with the longest key. */
const headBytes = frameHeaderBytes + maxKeyBytes
/** Frames of 64 bytes, and bytes that look like frames, take up to three microseconds each. */
const framesPerTurn = 2048
/** The longest run, and the header behind it. */
const runBytes = maxRunBytes + headBytes
const frameMark = Buffer.from('FRAM', 'latin1')

/** A frame that counts. */
export interface ScannedFrame {
  readonly kind: FrameKind
  /** A view, valid until the next frames are asked for. */
  readonly key: Buffer
  readonly offset: number
  readonly payloadBytes: number
}

/** Bytes in which no frame counts. */
export interface DamagedRegion {
  readonly offset: number
  readonly bytes: number
  /** The frame whose header fits, and whose payload does not; absent where no header fits. */
  readonly frame?: Omit<ScannedFrame, 'offset'>
}

/** A scan. The frames come in order, those of a run at once; the rest is known when they have all come. */
export interface PackScan extends AsyncIterable<readonly ScannedFrame[]> {
  /** Where the last frame that counts ends: where the pack is cut, or its footer begins. */
  readonly end: number
  /** Damage before the end: before the last frames that came, and never between them. */
  readonly damages: readonly DamagedRegion[]
  /** What lies behind the end: a torn frame, a footer, zeros, or damage. */
  readonly tail: readonly DamagedRegion[]
}

/** Options of {@link scanPack}. */
export interface ScanOptions {
  /** The first frame's offset. Default: behind the header. */
  readonly from?: number
  /** What is checked: each payload, or the CRC of a run where there is one that fits. */
  readonly verify: 'payloads' | 'runs'
}

/**
 * Scans the first `fileBytes` of a pack. Iterate once. What the disk throws passes through: bytes that cannot be read are
 * not known to be damaged.
 */
export function scanPack(
  file: Pick<DiskFile, 'read' | 'path'>,
  fileBytes: number,
  pack: { readonly salt: number },
  options: ScanOptions,
): PackScan {
  return new Scan(file, fileBytes, pack.salt, options)
}

class Scan implements PackScan {
  end: number
  readonly damages: DamagedRegion[] = []
  tail: DamagedRegion[] = []
  readonly #file: Pick<DiskFile, 'read'>
  readonly #salt: number
  readonly #verify: ScanOptions['verify']
  readonly #from: number
  /** Where the file ends, as far as it is known. */
  #fileEnd: number
  /** What is in memory: the bytes of the file from `#start` on. */
  #window: Buffer = Buffer.alloc(0)
  #start = 0
  readonly #memory: Buffer

  constructor(file: Pick<DiskFile, 'read' | 'path'>, fileBytes: number, salt: number, options: ScanOptions) {
    this.#file = file
    this.#salt = salt
    this.#verify = options.verify
    this.#from = options.from ?? packHeaderBytes
    this.#fileEnd = fileBytes
    this.end = this.#from
    this.#memory = Buffer.allocUnsafeSlow(Math.min(windowBytes, Math.max(0, fileBytes - this.#from)))
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<readonly ScannedFrame[], void, undefined> {
    let at = this.#from
    let steps = 0
    while (at + frameHeaderBytes <= this.#fileEnd && at < maxFrameOffset) {
      if (!this.#shows(at, headBytes)) await this.#show(at, headBytes)
      const header = readFrameHeader(this.#window, at - this.#start, { salt: this.#salt, offset: at })
      if (header === undefined) {
        at = await this.#findHeader(at)
        continue
      }
      steps += 1
      if (steps >= framesPerTurn) {
        await checkpoint()
        steps = 0
      }
      const { kind, keyBytes, payloadBytes, run } = header
      if (this.#verify === 'runs' && run !== undefined) {
        if (!this.#shows(at, runBytes)) await this.#show(at, runBytes)
        const frames = this.#framesOfRun(at)
        if (frames !== undefined) {
          at = endOf(frames.at(-1)!)
          steps += frames.length
          this.#count(at)
          yield frames
          continue
        }
      }
      const bytes = frameBytes(keyBytes, payloadBytes)
      if (at + bytes > this.#fileEnd) break
      if (bytes <= this.#memory.length && !this.#shows(at, bytes)) await this.#show(at, bytes)
      const keyAt = at - this.#start + frameHeaderBytes
      let key = this.#window.subarray(keyAt, keyAt + keyBytes)
      let intact: boolean
      if (bytes <= this.#memory.length) intact = this.#fits(header, keyAt)
      else {
        // The window leaves it behind.
        key = Buffer.from(key)
        intact = await this.#longPayloadFits(at, header, key)
      }
      if (intact) {
        this.#count(at + bytes)
        yield [{ kind, key, offset: at, payloadBytes }]
      } else this.tail.push({ offset: at, bytes, frame: { kind, key: Buffer.from(key), payloadBytes } })
      at += bytes
    }
    if (at < this.#fileEnd) this.#lose(at, this.#fileEnd - at)
  }

  /** The frames of the run that begins at a position of the window; `undefined` if none does whose CRC fits. */
  #framesOfRun(begin: number): readonly ScannedFrame[] | undefined {
    const frames: ScannedFrame[] = []
    for (let at = begin; at - begin <= maxRunBytes;) {
      const site = { salt: this.#salt, offset: at }
      const near = at - this.#start
      const header = readUnsummedHeader(this.#window, near, site)
      if (header === undefined) return undefined
      if (header.run !== undefined && at > begin) {
        const { endedCrc } = header.run
        const bytes = this.#window.subarray(begin - this.#start, near)
        return endedCrc === crc32(bytes, this.#salt) ? frames : undefined
      }
      const { kind, keyBytes, payloadBytes } = header
      const keyAt = near + frameHeaderBytes
      frames.push({ kind, key: this.#window.subarray(keyAt, keyAt + keyBytes), offset: at, payloadBytes })
      at += frameBytes(keyBytes, payloadBytes)
    }
    return undefined
  }

  /** There are frames that count up to a position: what was lost before lies between such. */
  #count(end: number): void {
    this.damages.push(...this.tail)
    this.tail = []
    this.end = end
  }

  /** Whether the window has `bytes` from a position on, or all there are. */
  #shows(at: number, bytes: number): boolean {
    return at >= this.#start && Math.min(at + bytes, this.#fileEnd) <= this.#start + this.#window.length
  }

  /** Moves the window to a position, from where it has `bytes`, if they fit into memory. What is in memory is not read again. */
  async #show(at: number, bytes: number): Promise<void> {
    const from = at - this.#start
    const kept = from >= 0 ? Math.max(0, this.#window.length - from) : 0
    if (kept > 0) this.#memory.copyWithin(0, from, from + kept)
    this.#window = this.#memory.subarray(0, kept)
    this.#start = at
    const length = Math.min(this.#memory.length, this.#fileEnd - at, Math.max(bytes, kept + sliceBytes))
    if (kept >= length) return
    const read = await this.#file.read(this.#memory.subarray(kept, length), at + kept)
    if (kept + read < length) this.#fileEnd = at + kept + read
    this.#window = this.#memory.subarray(0, kept + read)
  }

  /** Where the next header that fits begins, or the file ends. What lies between is lost. */
  async #findHeader(from: number): Promise<number> {
    let at = from + frameAlignment
    let tries = 0
    while (at + frameHeaderBytes <= this.#fileEnd && at < maxFrameOffset) {
      if (!this.#shows(at, headBytes)) await this.#show(at, headBytes)
      const found = this.#window.indexOf(frameMark, at - this.#start)
      // Without a mark, all that is in the window is passed, but for a last one that may be cut.
      const next = this.#start + (found < 0 ? this.#window.length - frameMark.length + 1 : found)
      const aligned = Math.ceil(next / frameAlignment) * frameAlignment
      if (aligned > at) {
        at = aligned
        continue
      }
      if (readFrameHeader(this.#window, at - this.#start, { salt: this.#salt, offset: at }) !== undefined) {
        this.#lose(from, at - from)
        return at
      }
      at += frameAlignment
      if (++tries % framesPerTurn === 0) await checkpoint()
    }
    const end = Math.min(at, this.#fileEnd)
    this.#lose(from, end - from)
    return end
  }

  #lose(offset: number, bytes: number): void {
    const last = this.tail.at(-1)
    if (last !== undefined && last.frame === undefined && last.offset + last.bytes === offset) {
      this.tail[this.tail.length - 1] = { offset: last.offset, bytes: last.bytes + bytes }
    } else this.tail.push({ offset, bytes })
  }

  /** Of a frame that is in the window. */
  #fits(header: FrameHeader, keyAt: number): boolean {
    const payloadAt = keyAt + header.keyBytes
    const end = payloadAt + header.payloadBytes
    if (end > this.#window.length || isUnchecked(header)) return false
    const payload = this.#window.subarray(payloadAt, end)
    if (header.payloadCrc !== undefined && crc32(payload) !== header.payloadCrc) return false
    return header.kind !== frameKinds.block || matchesNow(this.#window.subarray(keyAt, payloadAt), payload)
  }

  async #longPayloadFits(at: number, header: FrameHeader, key: Buffer): Promise<boolean> {
    const digest = header.kind === frameKinds.block ? createDigestCheck(key) : undefined
    if (isUnchecked(header) || (header.kind === frameKinds.block && digest === undefined)) return false
    let crc = 0
    const begin = at + frameHeaderBytes + header.keyBytes
    for (let done = 0; done < header.payloadBytes;) {
      if (!this.#shows(begin + done, 1)) await this.#show(begin + done, 1)
      const from = begin + done - this.#start
      const piece = this.#window.subarray(from, from + header.payloadBytes - done)
      if (piece.length === 0) return false
      if (header.payloadCrc !== undefined) crc = crc32(piece, crc)
      digest?.update(piece)
      done += piece.length
    }
    if (header.payloadCrc !== undefined && crc !== header.payloadCrc) return false
    return digest?.matches() ?? true
  }
}

function endOf({ offset, key, payloadBytes }: ScannedFrame): number {
  return offset + frameBytes(key.length, payloadBytes)
}

/** A record has nothing but its CRC to check it by. */
function isUnchecked(header: FrameHeader): boolean {
  return header.kind === frameKinds.record && header.payloadCrc === undefined
}
