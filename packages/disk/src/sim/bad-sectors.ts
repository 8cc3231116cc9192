/** Sectors of a file that the medium cannot read, until they are written over as a whole. */
import { sectorBytes } from './power-loss.ts'

export class BadSectors {
  /** As programs meet them. */
  #cached: Set<number>
  /** As they are on the medium: what heals a sector may not have come there. */
  #durable: Set<number>
  /** Healed in memory, by bytes whose sync failed: a later sync does not bring these. */
  #failed = new Set<number>()

  constructor(cached: Iterable<number> = [], durable: Iterable<number> = []) {
    this.#cached = new Set(cached)
    this.#durable = new Set(durable)
  }

  copy(): BadSectors {
    const twin = new BadSectors(this.#cached, this.#durable)
    twin.#failed = new Set(this.#failed)
    return twin
  }

  add(sector: number): void {
    this.#cached.add(sector)
    this.#durable.add(sector)
  }

  /** Whether one of them is among some bytes. */
  isAmong(position: number, bytes: number): boolean {
    if (this.#cached.size === 0 || bytes === 0) return false
    const first = Math.floor(position / sectorBytes)
    const last = Math.floor((position + bytes - 1) / sectorBytes)
    for (const sector of this.#cached) if (sector >= first && sector <= last) return true
    return false
  }

  /** Bytes were written to a file that has a size now: sectors of which these are all can be read again. */
  written(position: number, bytes: number, size: number): void {
    this.#heal((sector) => {
      const begin = sector * sectorBytes
      const end = Math.min(size, begin + sectorBytes)
      return begin >= position && end <= position + bytes
    })
  }

  /** The file was cut: what comes there now are other sectors. */
  cut(size: number): void {
    this.#heal((sector) => sector * sectorBytes >= size)
  }

  sync(): void {
    this.#durable = new Set([...this.#cached, ...this.#failed])
  }

  failSync(): void {
    this.#failed = new Set([...this.#durable].filter((sector) => !this.#cached.has(sector)))
  }

  losePower(): void {
    this.#cached = new Set(this.#durable)
    this.#failed.clear()
  }

  #heal(isHealed: (sector: number) => boolean): void {
    for (const sectors of [this.#cached, this.#failed]) {
      for (const sector of sectors) if (isHealed(sector)) sectors.delete(sector)
    }
  }
}
