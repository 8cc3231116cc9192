/** How the content of a file says that its sender could not read it any further. */

/**
 * Thrown by the content of a `FileEntry` when the file behind it failed half-way. An operation that takes files turns it
 * into a failed item and goes on; any other error of a content ends the whole call.
 */
export class EntryReadError extends Error {
  override readonly name = 'EntryReadError'
  /** Code of the failed item, such as `EIO`. */
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
