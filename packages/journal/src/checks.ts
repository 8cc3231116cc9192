/** Checks of what callers pass, before anything is done. */
import type { MetadataChange, UnixfsMetadata } from '@ipfs-kit/ipfs/unixfs'

/** What may be given as metadata, where `undefined` is as nothing. */
type Given<Metadata> = { readonly [Key in keyof Metadata]: Metadata[Key] | undefined }

/** The metadata that are given. @throws RangeError for what UnixFS cannot hold */
export function checkMetadata({ mode, mtime }: Given<UnixfsMetadata>): UnixfsMetadata {
  checkMetadataChange({ mode, mtime })
  return { ...(mode === undefined ? {} : { mode }), ...(mtime === undefined ? {} : { mtime }) }
}

/** The change that is given. @throws RangeError for what UnixFS cannot hold */
export function checkMetadataChange({ mode, mtime }: Given<MetadataChange>): MetadataChange {
  const bits = mode ?? 0
  if (!(Number.isInteger(bits) && bits >= 0 && bits <= 0o7777)) {
    throw new RangeError(`mode is a whole number from 0 to 0o7777, not ${String(mode)}`)
  }
  const { secs = 0n, nsecs = 0 } = mtime ?? {}
  if (typeof secs !== 'bigint' || BigInt.asIntN(64, secs) !== secs) {
    throw new RangeError(`secs is a bigint of at most 64 bits, not ${String(secs)}`)
  }
  if (!(Number.isInteger(nsecs) && nsecs >= 0 && nsecs < 1e9)) {
    throw new RangeError(`nsecs is a whole number from 0 to 999,999,999, not ${nsecs}`)
  }
  return { ...(mode === undefined ? {} : { mode }), ...(mtime === undefined ? {} : { mtime }) }
}

/** As long as a transaction may be open: a day. */
export const longestTransactionMs = 86_400_000

/** @throws RangeError for what no transaction may be open for */
export function checkTransactionMs(name: string, milliseconds: number): void {
  if (Number.isSafeInteger(milliseconds) && milliseconds >= 1 && milliseconds <= longestTransactionMs) return
  throw new RangeError(`${name} is a whole number of milliseconds from 1 to 86,400,000, not ${milliseconds}`)
}

/** The changes of attributes, those to be removed as null. @throws TypeError, RangeError */
export function checkAttributes(
  attributes: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string | null>> {
  const checked: Record<string, string | null> = {}
  for (const [name, value] of Object.entries(attributes)) {
    const bytes = Buffer.byteLength(name)
    if (bytes < 1 || bytes > 255 || name.includes('\0') || !name.isWellFormed()) {
      throw new RangeError('The name of an attribute has 1 to 255 bytes, no NUL and no lone surrogate')
    }
    // Objects treat it as something else.
    if (name === '__proto__') throw new RangeError('An attribute cannot have the name __proto__')
    if (value !== undefined && (typeof value !== 'string' || !value.isWellFormed())) {
      throw new TypeError(`The attribute ${name} is a string without lone surrogates`)
    }
    checked[name] = value ?? null
  }
  return checked
}

/** Checkpoints that are kept at most. */
export const mostCheckpoints = 100

/** The number that is given. @throws RangeError for another than a whole one within its bounds */
export function wholeNumber(name: string, value: number, least: number, most: number): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value
  const [from, to] = [least, most].map((one) => one.toLocaleString('en'))
  throw new RangeError(`${name} is a whole number from ${from} to ${to}, not ${String(value)}`)
}
