/** The bytes of a simulated file: as programs see them, as they are on the medium, and what is between the two. */
import { BadSectors } from './bad-sectors.ts'
import { Pages } from './pages.ts'
import { surviving } from './power-loss.ts'
import type { PowerLoss } from './power-loss.ts'

/** A change that is not on the medium. */
export interface Change {
  readonly kind: 'write' | 'resize' | 'take'
  /** Where it begins; for a change of the size the smaller of the two. */
  readonly position: number
  /** Only of a write. */
  readonly bytes: Uint8Array | undefined
  /** The size of the file after it. */
  readonly size: number
}

/** What a medium keeps back before it writes the oldest on its own, in bytes a file. */
const keptBackBytes = 64 * 1024 * 1024

export class Content {
  /** What programs read. */
  readonly cached: Pages
  /** What cannot be read. */
  readonly bad: BadSectors
  #durable: Pages
  #changes: Change[]
  #changedBytes: number

  constructor(
    cached = new Pages(),
    durable = new Pages(),
    changes: Change[] = [],
    bad: BadSectors = new BadSectors(),
  ) {
    this.cached = cached
    this.bad = bad
    this.#durable = durable
    this.#changes = changes
    this.#changedBytes = changes.reduce((sum, { bytes }) => sum + (bytes?.byteLength ?? 0), 0)
  }

  /** The same file on another disk. */
  copy(): Content {
    return new Content(this.cached.share(), this.#durable.share(), this.#changes.slice(), this.bad.copy())
  }

  write(bytes: Uint8Array, position: number): void {
    if (bytes.byteLength === 0) return
    // Small copies share memory: much cheaper than an array of their own.
    const own = Buffer.from(bytes)
    this.cached.write(own, position)
    this.bad.written(position, own.byteLength, this.cached.size)
    this.#changed('write', position, own)
  }

  /** Cuts, or extends with a hole. */
  resize(size: number): void {
    const before = this.cached.size
    if (size === before) return
    this.cached.resize(size)
    this.bad.cut(size)
    this.#changed('resize', Math.min(size, before), undefined)
  }

  /** Extends with zeros that take room. */
  take(size: number): void {
    const before = this.cached.size
    if (size <= before) return
    this.cached.take(size)
    this.#changed('take', before, undefined)
  }

  /** Writes all changes to the medium. */
  sync(): void {
    for (const change of this.#changes) apply(this.#durable, change)
    this.bad.sync()
    this.#forgetChanges()
  }

  /**
   * A sync that fails: some of the changes are on the medium, and the system takes all of them for written, as Linux does.
   * So the others are read until the power is lost, whatever is synced later.
   */
  failSync(loss: PowerLoss): void {
    this.#durable = surviving(this.#durable, this.#changes, loss)
    this.bad.failSync()
    this.#forgetChanges()
  }

  /** The file after a power loss. */
  afterPowerLoss(loss: PowerLoss): Content {
    const durable = surviving(this.#durable, this.#changes, loss)
    this.bad.losePower()
    return new Content(durable.share(), durable, [], this.bad)
  }

  #changed(kind: Change['kind'], position: number, bytes: Uint8Array | undefined): void {
    this.#changes.push({ kind, position, bytes, size: this.cached.size })
    this.#changedBytes += bytes?.byteLength ?? 0
    while (this.#changedBytes > keptBackBytes) {
      const oldest = this.#changes.shift()
      if (oldest === undefined) return
      this.#changedBytes -= oldest.bytes?.byteLength ?? 0
      apply(this.#durable, oldest)
    }
  }

  #forgetChanges(): void {
    this.#changes = []
    this.#changedBytes = 0
  }
}

function apply(pages: Pages, { kind, position, bytes, size }: Change): void {
  if (bytes !== undefined) {
    pages.write(bytes, position)
    if (pages.size < size) pages.resize(size)
    return
  }
  // What was beyond is zeros now.
  if (pages.size > position) pages.resize(position)
  if (kind === 'take') pages.take(size)
  else pages.resize(size)
}
