/**
 * Addresses: names of content in any backend, `scheme://place/key`, for example `mem://scratch/a/b`, `ipfs://<cid>/path`,
 * `mfs:/docs/a.txt`, `file:///srv/data`, and `photos:2024/a.jpg` where `photos` is a name that somebody has configured. Each
 * backend brings the scheme of its own, and whoever reads addresses says which of them there are.
 */
import { StorageError } from './errors.ts'
import { flawOfKey } from './key.ts'

/** The parts of an address, decoded. */
export interface Address {
  /** Which kind of backend, or a configured name: `mem`, `ipfs`, `s3`, `file`, `photos`, … */
  readonly scheme: string
  /** What tells one of the kind: a store, a CID, a profile and a bucket. As many as the scheme has; none for a path. */
  readonly places: readonly string[]
  /** The key or path in it, without the slash that stands before it. Empty: the whole. */
  readonly key: string
}

/** One of the texts that stand between the scheme and the key. */
export interface AddressPlace {
  /** What it is, for the messages: `bucket`. */
  readonly name: string
  /** Whether a text can be one. What it lets through has no `/`, `%` or white space. */
  readonly accepts: (text: string) => boolean
}

/** How the addresses of one kind of backend are written. */
export interface AddressScheme {
  /** What stands before the colon: lower-case letters, digits and `+ . -`, with a letter first. */
  readonly name: string
  /** One that is right, for the messages. */
  readonly example: string
  /**
   * - `uri`: `name://place/place/key`; without places `name:///key`.
   * - `path`: `name:/key`. It has no places.
   * - `plain`: `name:key`. It has no places.
   *
   * In the first two the key is percent-encoded UTF-8, in which control characters, white space, `?`, `#` and `\` have to be
   * encoded. In `plain` it is taken as it stands, as people type paths in a shell: `%20` is three characters.
   */
  readonly form: 'uri' | 'path' | 'plain'
  readonly places: readonly AddressPlace[]
  /** `any`: a key means nothing. `path`: it is a path, and one with a segment `.` or `..` is refused. */
  readonly keys: 'any' | 'path'
  /** Another beginning, after which places and key stand as in a file system, not encoded: `/ipfs/`. */
  readonly alias?: string
}

/** Reads and writes addresses of some schemes. */
export interface Addresses {
  /** The names of the schemes, sorted. */
  readonly schemes: readonly string[]
  /** @throws StorageError `STORAGE_INVALID_ADDRESS` */
  parse(text: string): Address
  /**
   * Writes an address, so that {@link Addresses.parse} gives the same parts again.
   *
   * @throws StorageError `STORAGE_INVALID_ADDRESS` if the parts do not make an address
   */
  format(address: Address): string
}

const schemePattern = /^[a-z][a-z0-9+.-]*$/
const notPlain = /[\p{Cc}\s?#\\]/u

/**
 * Makes a reader and writer of addresses.
 *
 * @param schemes - those that it knows, also configured names
 * @throws TypeError for a scheme that has no name, a name that another one has, or places where there can be none
 */
export function createAddresses(schemes: readonly AddressScheme[]): Addresses {
  const known = new Map<string, AddressScheme>()
  for (const scheme of schemes) {
    const { name, form, places } = scheme
    if (!schemePattern.test(name)) {
      throw new TypeError(`A scheme is lower-case letters, digits and + . -, not ${JSON.stringify(name)}`)
    }
    if (known.has(name)) throw new TypeError(`Two schemes have the name ${name}`)
    if (form !== 'uri' && places.length > 0) throw new TypeError(`The scheme ${name} cannot have places`)
    known.set(name, scheme)
  }
  const names = [...known.keys()].sort()
  const schemeOf = (name: string, text: string): AddressScheme => {
    const scheme = known.get(name)
    if (scheme === undefined) {
      throw invalid(text, `has the scheme ${JSON.stringify(name)}, which is not one of ${names.join(', ')}`)
    }
    return scheme
  }
  return Object.freeze({
    schemes: Object.freeze(names),
    parse(text: string) {
      if (typeof text !== 'string') throw invalid(text, `is of type ${typeof text}, not a string`)
      for (const scheme of known.values()) {
        const { alias } = scheme
        if (alias !== undefined && text.startsWith(alias)) {
          return checked(scheme, split(scheme, text.slice(alias.length), text), text)
        }
      }
      const colon = text.indexOf(':')
      if (colon === -1) throw invalid(text, `has no scheme, as ${names.join(', ')}`)
      const scheme = schemeOf(text.slice(0, colon), text)
      return checked(scheme, read(scheme, text.slice(colon + 1), text), text)
    },
    format(address: Address) {
      const { scheme: name, places, key } = address
      const text = `${name}:${[...places, key].join('/')}`
      const scheme = schemeOf(name, text)
      checked(scheme, address, text)
      return written(scheme, address)
    },
  })
}

/** The parts of what stands behind the colon. */
function read(scheme: AddressScheme, rest: string, text: string): Omit<Address, 'scheme'> {
  if (scheme.form === 'plain') return { places: [], key: rest }
  if (notPlain.test(rest)) {
    throw invalid(
      text,
      'has a control character, white space, ?, # or \\ that is not percent-encoded',
      scheme,
    )
  }
  if (scheme.places.length > 0) {
    if (!rest.startsWith('//')) throw invalid(text, 'has no // behind its scheme', scheme)
    const { places, key } = split(scheme, rest.slice(2), text)
    return { places, key: decode(key, text) }
  }
  // A path has one slash, or three: between the second and the third a host would stand.
  const path = rest.startsWith('//') ? rest.slice(2) : rest
  if (!path.startsWith('/')) {
    throw invalid(
      text,
      rest.startsWith('//') ? 'has a host, which is not possible here' : 'has no path',
      scheme,
    )
  }
  return { places: [], key: decode(path.slice(1), text) }
}

/** Places and key of `place/place/key`. */
function split({ places }: AddressScheme, rest: string, text: string): Omit<Address, 'scheme'> {
  const found: string[] = []
  let key: string | undefined = rest
  for (const { name } of places) {
    if (key === undefined) throw invalid(text, `has no ${name}`)
    const slash: number = key.indexOf('/')
    found.push(slash === -1 ? key : key.slice(0, slash))
    key = slash === -1 ? undefined : key.slice(slash + 1)
  }
  return { places: found, key: key ?? '' }
}

function checked(scheme: AddressScheme, { places, key }: Omit<Address, 'scheme'>, text: string): Address {
  if (places.length !== scheme.places.length) {
    throw invalid(text, `has ${places.length} places before its key, not ${scheme.places.length}`, scheme)
  }
  for (const [at, { name, accepts }] of scheme.places.entries()) {
    if (!accepts(places[at]!)) throw invalid(text, `has no ${name} where one belongs`, scheme)
  }
  const flaw = key === '' ? undefined : flawOfKey(key)
  if (flaw !== undefined) throw invalid(text, `has a key that ${flaw}`, scheme)
  if (scheme.keys === 'path' && key.split('/').some((segment) => segment === '.' || segment === '..')) {
    throw invalid(text, 'has a segment . or .. in its path', scheme)
  }
  return Object.freeze({ scheme: scheme.name, places: Object.freeze([...places]), key })
}

function written({ name, form, places: { length } }: AddressScheme, { places, key }: Address): string {
  if (form === 'plain') return `${name}:${key}`
  const path = key.split('/').map(encodeURIComponent).join('/')
  // A path that begins with a slash of its own would look like a host.
  if (form === 'path' && !path.startsWith('/')) return `${name}:/${path}`
  if (length === 0) return `${name}:///${path}`
  return `${name}://${places.join('/')}${key === '' ? '' : `/${path}`}`
}

function decode(key: string, text: string): string {
  try {
    return decodeURIComponent(key)
  } catch (cause) {
    throw invalid(text, 'has a % that does not begin the percent-encoding of UTF-8', undefined, cause)
  }
}

/** An address with an @ may have been meant with a password in it, so it is not repeated. */
function invalid(text: unknown, flaw: string, scheme?: AddressScheme, cause?: unknown): StorageError {
  const value = typeof text === 'string' ? text : String(text)
  const isHidden = value.includes('@')
  const shown = isHidden
    ? '(not shown, it has an @)'
    : JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value)
  const hint = scheme === undefined ? '' : `; an example is ${scheme.example}`
  // What is said of it may repeat its beginning.
  const said = isHidden && scheme === undefined ? 'is not one that is known here' : flaw
  return new StorageError('STORAGE_INVALID_ADDRESS', `The address ${shown} ${said}${hint}`, { cause })
}
