/** Writes files as a multipart form (RFC 7578), piece by piece. */

const text = new TextEncoder()

/** A new boundary: 128 random bits, which no file contains by chance. */
export function newBoundary(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return `ipfs-kit-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`
}

/** The headers before the content of a file or folder, with the line break that ends the part before. */
export function partHeader(boundary: string, path: string, isFolder: boolean): Uint8Array<ArrayBuffer> {
  const type = isFolder ? 'application/x-directory' : 'application/octet-stream'
  return text.encode(
    `\r\n--${boundary}\r\ncontent-disposition: form-data; name="file"; ${filename(path)}\r\ncontent-type: ${type}\r\n\r\n`,
  )
}

/** A part that says that a file could not be read. Right after the part of that file it takes it back. */
export function failedPart(
  boundary: string,
  path: string,
  failed: { code: string; message: string },
): Uint8Array<ArrayBuffer> {
  const note = JSON.stringify({ path, code: failed.code, message: failed.message })
  return text.encode(
    `\r\n--${boundary}\r\ncontent-disposition: form-data; name="failed"\r\ncontent-type: application/json\r\n\r\n${note}`,
  )
}

/** The end of the form. */
export function formEnd(boundary: string): Uint8Array<ArrayBuffer> {
  return text.encode(`\r\n--${boundary}--\r\n`)
}

/** The plain form changes quotes, line breaks, and whatever looks like their escapes; the extended one changes nothing. */
function filename(path: string): string {
  return /["\\\r\n%]/.test(path) ? `filename*=UTF-8''${encodeURIComponent(path)}` : `filename="${path}"`
}
