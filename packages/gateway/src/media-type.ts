/** The Content-Type of a file: by the extension of its name, else by its first bytes. */
import { extname } from 'node:path/posix'
import mimeTypes from 'mime-types'

/** Bytes that decide between text and binary. */
export const sniffBytes = 4096

/** By the extension; undefined when there is none or it is unknown. */
export function mediaTypeOfName(name: string | undefined): string | undefined {
  const extension = extname(name ?? '')
  return extension === '' ? undefined : mimeTypes.contentType(extension) || undefined
}

/** By the first bytes: text when they are UTF-8 without NUL. A character that the cut has split is text as well. */
export function mediaTypeOfBytes(head: Uint8Array): string {
  if (!head.includes(0)) {
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: head.byteLength >= sniffBytes })
      return 'text/plain; charset=utf-8'
    } catch {
      // Not UTF-8: binary.
    }
  }
  return 'application/octet-stream'
}
