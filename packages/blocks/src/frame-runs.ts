/**
 * Runs: small frames in a row under one CRC, so that a scan need not check each of them. A run begins with a frame whose header
 * says so, and ends before the next one, whose header has the CRC of all its bytes. One that is not ended, as a crash
 * leaves the last one, is none: its frames are checked one by one.
 */
import { crc32 } from 'node:zlib'
import { beginsRun, type FrameSite, type RunMark } from './frame.ts'

/** A run is ended by the first frame that can do it once it has so many bytes. Longer ones would spare a scan little more. */
const leastRunBytes = 32_768
/** A longer run is given up. */
export const maxRunBytes = 65_536

/** The run that is being written. */
export class FrameRun {
  #salt = 0
  /** Where it begins in the file, and where the next frame of it begins; both 0 while there is none. */
  #begin = 0
  #end = 0
  /** The CRC of all but the last piece of memory. */
  #crc = 0
  /** The last piece. */
  #memory: Buffer | undefined
  #from = 0
  #to = 0

  /** What the header of the next frame is to say of runs. Not for frames that have a CRC of their own, or are not added. */
  mark(site: FrameSite): RunMark | undefined {
    const goesOn = this.#isNext(site)
    if (goesOn && site.offset - this.#begin < leastRunBytes) return undefined
    const mark = goesOn ? { endedCrc: this.#sum() } : beginsRun
    this.#salt = site.salt
    this.#begin = site.offset
    this.#end = site.offset
    this.#crc = site.salt
    this.#memory = undefined
    return mark
  }

  /** Adds a frame: some bytes of a piece of memory, which stay as they are. One that does not follow the last one ends the run. */
  add(site: FrameSite, memory: Buffer, from: number, to: number): void {
    const end = site.offset + to - from
    if (!this.#isNext(site) || end - this.#begin > maxRunBytes) {
      this.#end = 0
      this.#memory = undefined
      return
    }
    if (this.#memory !== memory || this.#to !== from) {
      this.#crc = this.#sum()
      this.#memory = memory
      this.#from = from
    }
    this.#to = to
    this.#end = end
  }

  #isNext({ salt, offset }: FrameSite): boolean {
    return this.#end === offset && this.#salt === salt
  }

  #sum(): number {
    return this.#memory === undefined
      ? this.#crc
      : crc32(this.#memory.subarray(this.#from, this.#to), this.#crc)
  }
}
