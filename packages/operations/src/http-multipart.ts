/**
 * Splits a multipart body (RFC 2046, section 5.1; RFC 7578) into parts, pulled one by one. Content that is not a
 * boundary is handed on without a copy, so a large part costs one search for its boundary.
 */
import { OperationError } from './errors.ts'

/** Headers of one part. */
export interface Part {
  /** Field name. */
  readonly name: string
  /** File name; absent for a field. */
  readonly filename: string | undefined
  /** Media type in lower case without parameters; '' if none was given. */
  readonly mediaType: string
}

/** Parts, one after the other. */
export interface Parts {
  /** The next part, after the rest of the current one was skipped; `undefined` after the last. */
  next(): Promise<Part | undefined>
  /** The next piece of the current part; `undefined` at its end. */
  read(): Promise<Uint8Array | undefined>
}

const maxHeaderBytes = 16_384
const maxPreambleBytes = 65_536
const headerEnd = Buffer.from('\r\n\r\n')
const utf8 = new TextDecoder('utf-8', { fatal: true })

/** The boundary that a content type names, or `undefined`. */
export function boundaryOf(contentType: string): string | undefined {
  const match = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType)
  return match?.[1] ?? match?.[2]
}

/**
 * Splits a body at a boundary.
 *
 * @throws `OPERATION_BODY_INVALID` (from `next` and `read`) for a body that is cut or is no multipart document
 */
export function multipartParts(body: AsyncIterable<Uint8Array>, boundary: string): Parts {
  const source = body[Symbol.asyncIterator]()
  const delimiter = Buffer.from(`\r\n--${boundary}`)
  // A delimiter begins with the line break before it, so the first one is given one.
  let buffer: Buffer = Buffer.from('\r\n')
  let where: 'preamble' | 'content' | 'after-delimiter' | 'end' = 'preamble'

  async function more(): Promise<void> {
    const { done, value } = await source.next()
    if (done === true) throw invalid('ends before its last boundary')
    const chunk = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    buffer = buffer.length === 0 ? chunk : Buffer.concat([buffer, chunk])
  }

  async function read(): Promise<Uint8Array | undefined> {
    if (where === 'after-delimiter' || where === 'end') return undefined
    for (;;) {
      const at = buffer.indexOf(delimiter)
      if (at === 0) {
        buffer = buffer.subarray(delimiter.length)
        where = 'after-delimiter'
        return undefined
      }
      const length = at === -1 ? buffer.length - startOfDelimiter(buffer, delimiter) : at
      if (length > 0) {
        const piece = buffer.subarray(0, length)
        buffer = buffer.subarray(length)
        return piece
      }
      await more()
    }
  }

  async function next(): Promise<Part | undefined> {
    let skipped = 0
    for (let piece = await read(); piece !== undefined; piece = await read()) {
      skipped += piece.length
      if (where === 'preamble' && skipped > maxPreambleBytes)
        throw invalid(`does not contain its boundary ${boundary}`)
    }
    if (where === 'end') return undefined
    while (buffer.length < 2) await more()
    if (buffer[0] === 0x2d && buffer[1] === 0x2d) {
      where = 'end'
      // What follows has no meaning, but an unread rest would cost the connection.
      while ((await source.next()).done !== true);
      return undefined
    }
    let end = buffer.indexOf(headerEnd)
    while (end === -1 && buffer.length <= maxHeaderBytes) {
      await more()
      end = buffer.indexOf(headerEnd)
    }
    if (end === -1 || end > maxHeaderBytes)
      throw invalid(`has a part with more than ${maxHeaderBytes} bytes of headers`)
    const part = parsePart(buffer.subarray(0, end))
    buffer = buffer.subarray(end + headerEnd.length)
    where = 'content'
    return part
  }

  return { next, read }
}

/** How many bytes at the end of a buffer may be the start of a delimiter. */
function startOfDelimiter(buffer: Buffer, delimiter: Buffer): number {
  const end = buffer.length
  let at = buffer.indexOf(0x0d, Math.max(0, end - delimiter.length + 1))
  while (at !== -1) {
    if (buffer.compare(delimiter, 0, end - at, at, end) === 0) return end - at
    at = buffer.indexOf(0x0d, at + 1)
  }
  return 0
}

function parsePart(block: Buffer): Part {
  let text: string
  try {
    text = utf8.decode(block)
  } catch {
    throw invalid('has a part whose headers are not UTF-8')
  }
  const [padding, ...lines] = text.split('\r\n')
  if (padding?.trim() !== '') throw invalid('has a boundary that is not alone on its line')
  const headers = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    if (colon < 1) throw invalid(`has a part with the header line ${JSON.stringify(line)}`)
    headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim())
  }
  const encoding = headers.get('content-transfer-encoding')?.toLowerCase()
  if (encoding === 'base64' || encoding === 'quoted-printable')
    throw invalid(`has a part in ${encoding}; send it as binary`)
  const given = parameters(headers.get('content-disposition') ?? '')
  const name = given.get('name')
  if (name === undefined) throw invalid('has a part without a form-data name')
  return {
    name,
    filename: given.get('filename*') ?? given.get('filename'),
    mediaType: (headers.get('content-type') ?? '').split(';', 1)[0]!.trim().toLowerCase(),
  }
}

/**
 * The parameters of a content disposition. Plain ones carry the three escapes of the HTML standard (`"`, CR, LF), and `\"`
 * as older curls send it; `filename*` is percent-encoded UTF-8 (RFC 5987), which our client sends for names that the
 * plain form would change.
 */
function parameters(disposition: string): Map<string, string> {
  const given = new Map<string, string>()
  const start = /^form-data\s*/i.exec(disposition)
  if (start === null) return given
  const pair = /;\s*([a-z*]+)=(?:"((?:\\"|[^"])*)"|([^\s;"]*))\s*/giy
  pair.lastIndex = start[0].length
  while (pair.lastIndex < disposition.length) {
    const match = pair.exec(disposition)
    if (match === null)
      throw invalid(`has a part with the content disposition ${JSON.stringify(disposition)}`)
    const key = match[1]!.toLowerCase()
    const value = match[2]?.replaceAll('\\"', '"') ?? match[3]!
    given.set(
      key,
      key.endsWith('*') ? extended(value) : value.replaceAll(/%(22|0D|0A)/gi, decodeURIComponent),
    )
  }
  return given
}

function extended(value: string): string {
  try {
    const encoded = /^utf-8'[^']*'(.*)$/i.exec(value)?.[1]
    if (encoded !== undefined) return decodeURIComponent(encoded)
  } catch {
    // Falls through to the one answer for all wrong encodings.
  }
  throw invalid('has a file name that is not percent-encoded UTF-8')
}

function invalid(what: string): OperationError {
  return new OperationError('OPERATION_BODY_INVALID', `The multipart body ${what}`)
}
