/** Permits: what acquiring gives, to be given back once. */
import { ConcurrencyError } from './errors.ts'

/** The right to use one unit of something. `using permit = await …acquire()` gives it back at the end of the block. */
export interface Permit extends Disposable {
  /**
   * Gives it back.
   *
   * @throws ConcurrencyError CONCURRENCY_NOT_HELD if it was given back before
   */
  release(): void
}

/** Who hands out permits. */
export interface PermitSource {
  readonly name: string
  giveBack(permit: HeldPermit): void
}

export class HeldPermit implements Permit {
  declare private readonly source: PermitSource
  /** For whom it was acquired, where that matters. */
  declare readonly holder: unknown
  declare private held: boolean
  /** Nothing. A promise asks whatever it is resolved with for `then`, and finds this before it has searched all the way up. */
  declare readonly then: undefined

  static {
    Object.defineProperty(this.prototype, 'then', { value: undefined })
  }

  constructor(source: PermitSource, holder?: unknown) {
    this.source = source
    this.holder = holder
    this.held = true
  }

  release(): void {
    if (!this.held) {
      throw new ConcurrencyError(
        'CONCURRENCY_NOT_HELD',
        `a permit of "${this.source.name}" was released again`,
      )
    }
    this.held = false
    this.source.giveBack(this)
  }

  /** Gives it back if that has not been done. */
  [Symbol.dispose](): void {
    if (this.held) this.release()
  }
}
