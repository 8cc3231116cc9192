/**
 * Addresses: names of content in any backend, `scheme://authority/key`, for example `mem://scratch/a/b`,
 * `s3://bucket/photos/1.jpg`, `file:///srv/data`, `ipfs://<cid>/path` and, for the last, also `/ipfs/<cid>/path`.
 */
import { StorageError } from './errors.ts'
import { flawOfKey } from './key.ts'

/** The parts of an address, decoded. */
export interface Address {
  /** Which kind of backend: `mem`, `ipfs`, `s3`, `hf`, `file`, … */
  readonly scheme: string
  /** Which one of the kind: the name of a store, a bucket, a CID. Empty for `file`, and for no other scheme. */
  readonly authority: string
  /** The key or path in it, without a slash at the front of its own. Empty: the whole. */
  readonly key: string
}

const example = 'an address looks like mem://scratch/a/b, ipfs://<cid>/path or /ipfs/<cid>/path'
const schemePattern = /^[a-z][a-z0-9+.-]*$/
const authorityPattern = /^(?!\.+$)[A-Za-z0-9._~-]{1,255}$/
// The shape only: whether it decodes is found out where it is used. Qm…, or base32, base36, base58btc, base16.
const cidPattern =
  /^(?:Qm[1-9A-HJ-NP-Za-km-z]{44}|b[a-z2-7]{8,}|k[0-9a-z]{8,}|z[1-9A-HJ-NP-Za-km-z]{8,}|f[0-9a-f]{8,})$/
const notPlain = /[\p{Cc}\s?#\\]/u

/**
 * Reads an address.
 *
 * In `scheme://…` the key is percent-encoded UTF-8, and control characters, white space, `?`, `#` and `\` have to be. In
 * `/ipfs/<cid>/path` the path is taken as it stands, as IPFS tools do: `%20` is three characters. Segments `.` and `..`
 * are refused for `ipfs` and `file`; elsewhere a key means nothing and keeps them.
 *
 * @throws StorageError `STORAGE_INVALID_ADDRESS`
 */
export function parseAddress(text: string): Address {
  if (typeof text !== 'string') throw invalid(text, `is of type ${typeof text}, not a string`)
  if (text.startsWith('/ipfs/')) {
    const [authority, key] = splitOnce(text.slice('/ipfs/'.length))
    return checked({ scheme: 'ipfs', authority, key: key ?? '' }, text)
  }
  const colon = text.indexOf('://')
  if (colon === -1) throw invalid(text, 'has no scheme')
  const [authority, key] = splitOnce(text.slice(colon + 3))
  const scheme = text.slice(0, colon)
  if (scheme === 'file' && key === undefined)
    throw invalid(text, 'has no path: file addresses have three slashes')
  if (key !== undefined && notPlain.test(key)) {
    throw invalid(text, 'has a control character, white space, ?, # or \\ that is not percent-encoded')
  }
  return checked({ scheme, authority, key: key === undefined ? '' : decode(key, text) }, text)
}

/**
 * Writes an address, so that {@link parseAddress} gives the same parts again.
 *
 * @throws StorageError `STORAGE_INVALID_ADDRESS` if the parts do not make an address
 */
export function formatAddress(address: Address): string {
  const { scheme, authority, key } = checked(
    address,
    `${address.scheme}://${address.authority}/${address.key}`,
  )
  const path = key.split('/').map(encodeURIComponent).join('/')
  return key === '' && scheme !== 'file' ? `${scheme}://${authority}` : `${scheme}://${authority}/${path}`
}

function checked({ scheme, authority, key }: Address, text: string): Address {
  if (!schemePattern.test(scheme))
    throw invalid(text, 'has a scheme that is not lower-case letters and digits')
  if (scheme === 'file') {
    if (authority !== '')
      throw invalid(text, 'has a host, which file addresses cannot have', 'file:///srv/data')
  } else if (scheme === 'ipfs') {
    if (!cidPattern.test(authority)) throw invalid(text, 'has no CID where one belongs')
  } else if (!authorityPattern.test(authority)) {
    throw invalid(
      text,
      'has an authority that is empty or has other characters than letters, digits and . _ ~ -',
    )
  }
  const flaw = key === '' ? undefined : flawOfKey(key)
  if (flaw !== undefined) throw invalid(text, `has a key that ${flaw}`)
  if (
    (scheme === 'file' || scheme === 'ipfs') &&
    key.split('/').some((segment) => segment === '.' || segment === '..')
  ) {
    throw invalid(text, 'has a segment . or .. in its path')
  }
  return Object.freeze({ scheme, authority, key })
}

function splitOnce(text: string): [string, string | undefined] {
  const slash = text.indexOf('/')
  return slash === -1 ? [text, undefined] : [text.slice(0, slash), text.slice(slash + 1)]
}

function decode(key: string, text: string): string {
  try {
    return decodeURIComponent(key)
  } catch (cause) {
    throw invalid(text, 'has a % that does not begin the percent-encoding of UTF-8', undefined, cause)
  }
}

/** An address with an @ may have been meant with a password in it, so it is not repeated. */
function invalid(text: unknown, flaw: string, like?: string, cause?: unknown): StorageError {
  const value = typeof text === 'string' ? text : String(text)
  const shown = value.includes('@')
    ? '(not shown, it has an @)'
    : JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value)
  const hint = like === undefined ? example : `an example is ${like}`
  return new StorageError('STORAGE_INVALID_ADDRESS', `The address ${shown} ${flaw}; ${hint}`, { cause })
}
