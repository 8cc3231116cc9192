/** The target of a request: its path, decoded name by name and never normalised, and its query. */
import { GatewayError } from './errors.ts'

/** A parsed request target. */
export interface Target {
  /** First name of the path: `ipfs`, `ipns`, or something that is not served. */
  readonly namespace: string
  /** Decoded names after the namespace; the first is the CID. Empty names (double slashes) are left out. */
  readonly names: readonly string[]
  /** The path in its one canonical percent-encoding, in ASCII, without trailing slash: `/ipfs/bafy…/a%20b`. */
  readonly path: string
  readonly endsInSlash: boolean
  /** From the `?` on, as sent, or empty. */
  readonly query: string
  readonly params: URLSearchParams
  /** Host of a target in absolute form (`GET http://host/path`), which outranks the Host header. */
  readonly authority: string | undefined
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Parses a request target in origin form or absolute form (RFC 9112, section 3.2).
 *
 * @throws GatewayError GATEWAY_PATH, GATEWAY_URL_TOO_LONG
 */
export function parseTarget(url: string, maxUrlBytes: number): Target {
  if (url.length > maxUrlBytes) {
    throw new GatewayError(
      'GATEWAY_URL_TOO_LONG',
      `The URL has ${url.length} bytes, the limit is ${maxUrlBytes}`,
    )
  }
  const absolute = /^https?:\/\/([^/?]*)(.*)$/is.exec(url)
  const local = absolute?.[2] ?? url
  const mark = local.indexOf('?')
  const rawPath = mark === -1 ? local : local.slice(0, mark)
  const query = mark === -1 ? '' : asciiQuery(local.slice(mark))
  const [, namespace = '', ...rawNames] = rawPath.split('/')
  const names = rawNames.filter((name) => name !== '').map(decodeName)
  return {
    namespace,
    names,
    path: `/${[namespace, ...names].map(encodeName).join('/')}`,
    endsInSlash: rawPath.endsWith('/'),
    query,
    params: new URLSearchParams(query),
    authority: absolute?.[1],
  }
}

/** A name as part of a URL. */
export function encodeName(name: string): string {
  return encodeURIComponent(name.toWellFormed())
}

/** Node gives bytes above 0x7F of a target as one character each. */
function decodeName(raw: string): string {
  const bytes = new Uint8Array(raw.length)
  let length = 0
  for (let at = 0; at < raw.length; at++) {
    let byte = raw.charCodeAt(at)
    if (byte === 0x25) {
      const digits = raw.slice(at + 1, at + 3)
      if (!/^[0-9a-f]{2}$/i.test(digits))
        throw refused(raw, 'has a % that is not followed by two hexadecimal digits')
      byte = Number.parseInt(digits, 16)
      at += 2
    }
    if (byte > 0xff) throw refused(raw, 'is not percent-encoded UTF-8')
    bytes[length++] = byte
  }
  let name: string
  try {
    name = utf8.decode(bytes.subarray(0, length))
  } catch {
    throw refused(raw, 'is not percent-encoded UTF-8')
  }
  if (name === '.' || name === '..')
    throw refused(raw, 'stands for another folder, which a content path cannot say')
  if (name.includes('/')) throw refused(raw, 'contains a slash')
  if (name.includes('\0')) throw refused(raw, 'contains a NUL')
  return name
}

function refused(raw: string, why: string): GatewayError {
  return new GatewayError('GATEWAY_PATH', `The name ${JSON.stringify(raw.slice(0, 100))} in the path ${why}`)
}

/** A query goes back out in `location`: nothing but printable ASCII may be in it. */
function asciiQuery(query: string): string {
  return query.replaceAll(/[^\x21-\x7e]/g, (character) =>
    Array.from(Buffer.from(character, 'latin1'), (byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
  )
}
