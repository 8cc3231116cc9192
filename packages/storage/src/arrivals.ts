/** Memory for bodies that arrive: each is bounded, and all of them together. */
import { checkCount } from './call.ts'
import { StorageError } from './errors.ts'

/** Options of {@link createArrivals}. */
export interface ArrivalsOptions {
  /** Bytes that all bodies may take together. */
  readonly maxBytes: number
  /** Bytes that one of them may take. Default: `maxBytes`. */
  readonly maxBodyBytes?: number
}

/** The account of the bodies that arrive at a backend. */
export interface Arrivals {
  /** Bytes that are taken now. */
  readonly bytes: number
  /** Begins the account of one body, which has taken nothing yet. */
  open(): Arrival
}

/** What one body takes of {@link Arrivals}. It gives everything back when it is disposed of. */
export interface Arrival extends Disposable {
  /**
   * Has room for so many bytes in all. It never shrinks.
   *
   * @throws StorageError `STORAGE_FULL`, and then nothing was taken
   */
  growTo(bytes: number): void
}

/**
 * Counts the bytes of bodies that arrive. For backends to use in their `put()`.
 *
 * @throws RangeError for a limit that is not a whole number, 0 or more
 */
export function createArrivals({ maxBytes, maxBodyBytes = maxBytes }: ArrivalsOptions): Arrivals {
  checkCount('maxBytes', maxBytes)
  checkCount('maxBodyBytes', maxBodyBytes)
  let taken = 0
  const open = (): Arrival => {
    let own = 0
    return {
      growTo(bytes) {
        if (bytes <= own) return
        if (bytes > maxBodyBytes) {
          throw new StorageError(
            'STORAGE_FULL',
            `A body takes at most ${maxBodyBytes} bytes of memory here, not ${bytes}`,
          )
        }
        if (taken + bytes - own > maxBytes) {
          throw new StorageError(
            'STORAGE_FULL',
            `The bodies that arrive now take ${taken} of ${maxBytes} bytes, and ${bytes - own} more do not fit`,
          )
        }
        taken += bytes - own
        own = bytes
      },
      [Symbol.dispose]() {
        taken -= own
        own = 0
      },
    }
  }
  return {
    get bytes() {
      return taken
    },
    open,
  }
}
