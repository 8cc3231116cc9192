/** The Range header (RFC 9110, section 14.2). */
import { GatewayError } from './errors.ts'

/** Bytes to send. */
export interface ByteRange {
  readonly offset: number
  readonly length: number
}

/**
 * The one range that a header asks for. Several ranges, another unit and what is malformed are ignored, as the RFC allows:
 * then the whole content is sent. So is a suffix of empty content, which no Content-Range could express.
 *
 * @throws GatewayError GATEWAY_RANGE when no byte of the range exists
 */
export function parseRange(header: string | undefined, size: number): ByteRange | undefined {
  const match = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(header ?? '')
  if (match === null) return undefined
  const [, first = '', last = ''] = match
  if (first === '') {
    if (last === '' || (size === 0 && Number(last) > 0)) return undefined
    const length = Math.min(Number(last), size)
    if (length === 0) throw unsatisfiable(header, size)
    return { offset: size - length, length }
  }
  const offset = Number(first)
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1)
  if (last !== '' && Number(last) < offset) return undefined
  if (offset >= size) throw unsatisfiable(header, size)
  return { offset, length: end - offset + 1 }
}

/** The `Content-Range` of a range. */
export function contentRange(range: ByteRange, size: number): string {
  return `bytes ${range.offset}-${range.offset + range.length - 1}/${size}`
}

function unsatisfiable(header: string | undefined, size: number): GatewayError {
  return new GatewayError('GATEWAY_RANGE', `The range ${header} has no byte of the ${size} there are`, {
    headers: { 'content-range': `bytes */${size}` },
  })
}
