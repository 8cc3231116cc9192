/** How far a transfer has come, so that another process goes on from there: a path, and those before it that are not done. */
import { compareKeys } from '@ipfs-kit/storage'
import { TransferError } from './errors.ts'

/** A point that can be stored. All paths up to `through` are done, except those named. */
export interface Point {
  /** `undefined` before the first one. */
  readonly through?: string
  readonly except: readonly string[]
}

/** Bytes, as JSON, of the paths that have failed and are to be tried again. */
const maxFailedBytes = 24_576

export class Reached {
  #through: string | undefined
  readonly #failed = new Set<string>()
  readonly #running = new Set<string>()
  /** Not done by the attempts before. */
  readonly #left: Set<string>
  readonly #before: string | undefined
  #failedBytes = 0

  constructor({ through, except }: Point) {
    this.#before = through
    this.#through = through
    this.#left = new Set(except)
  }

  /** Whether an attempt before has done it. */
  isDone(path: string): boolean {
    return this.#before !== undefined && compareKeys(path, this.#before) <= 0 && !this.#left.has(path)
  }

  /** Called in the order of the paths. */
  begin(path: string): void {
    this.#running.add(path)
    if (this.#through === undefined || compareKeys(path, this.#through) > 0) this.#through = path
  }

  done(path: string): void {
    this.#running.delete(path)
    this.#left.delete(path)
  }

  /** @throws TransferError `TRANSFER_TOO_MANY_FAILURES` if there are more than can be remembered */
  failed(path: string): void {
    this.#running.delete(path)
    this.#left.delete(path)
    this.#failed.add(path)
    this.#failedBytes += Buffer.byteLength(JSON.stringify(path)) + 1
    if (this.#failedBytes <= maxFailedBytes) return
    throw new TransferError(
      'TRANSFER_TOO_MANY_FAILURES',
      `${this.#failed.size} objects have failed, which are more than are remembered`,
    )
  }

  get point(): Point {
    const except = [...new Set([...this.#failed, ...this.#running, ...this.#left])]
    return { ...(this.#through !== undefined && { through: this.#through }), except }
  }
}
