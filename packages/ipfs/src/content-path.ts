/** Content paths: `<cid>`, `<cid>/a/b`, `/ipfs/<cid>/a/b`, `ipfs://<cid>/a/b`. */
import { CID } from 'multiformats/cid'
import { IpfsError } from './errors.ts'

/** A parsed content path. */
export interface ContentPath {
  readonly cid: CID
  /** Names below it, in order. */
  readonly names: readonly string[]
}

const maxPathLength = 16_384

/** Parses a CID in base58btc, base32 or base36. @throws IpfsError IPFS_INVALID_CID */
export function parseCid(text: string): CID {
  try {
    return CID.parse(text)
  } catch (cause) {
    const shown = text.length > 100 ? `${text.slice(0, 100)}…` : text
    throw new IpfsError(
      'IPFS_INVALID_CID',
      `${JSON.stringify(shown)} is not a CID; one looks like bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e`,
      { cause },
    )
  }
}

/**
 * Parses a content path. Empty names (double and trailing slashes) are ignored. Only the `ipfs://` form is percent-decoded.
 *
 * @throws IpfsError IPFS_INVALID_CID, IPFS_INVALID_PATH
 */
export function parseContentPath(path: string): ContentPath {
  if (path.length > maxPathLength) {
    throw new IpfsError(
      'IPFS_INVALID_PATH',
      `A path has at most ${maxPathLength} characters, this one ${path.length}`,
    )
  }
  const isUrl = path.startsWith('ipfs://')
  const bare = isUrl
    ? path.slice('ipfs://'.length)
    : path.startsWith('/ipfs/')
      ? path.slice('/ipfs/'.length)
      : path
  if (bare.startsWith('/')) {
    const shown = JSON.stringify(path.slice(0, 100))
    throw new IpfsError(
      'IPFS_INVALID_PATH',
      `${shown} is not a content path: one begins with a CID or with /ipfs/<cid>`,
    )
  }
  const [root = '', ...rest] = bare.split('/')
  const cid = parseCid(root)
  const names = rest.filter((name) => name !== '').map((name) => (isUrl ? decode(name) : name))
  for (const name of names) checkName(name)
  return { cid, names }
}

/**
 * Parses the path of a file to add into its names.
 *
 * @throws IpfsError IPFS_INVALID_PATH
 */
export function parseFilePath(path: string): readonly string[] {
  if (path.length > maxPathLength) {
    throw new IpfsError(
      'IPFS_INVALID_PATH',
      `A path has at most ${maxPathLength} characters, this one ${path.length}`,
    )
  }
  const names = path.split('/')
  for (const name of names) {
    if (name === '') throw new IpfsError('IPFS_INVALID_PATH', `${JSON.stringify(path)} has an empty name`)
    checkNewName(name)
  }
  return names
}

/** What an entry of a folder can be named that is written here. @throws IpfsError IPFS_INVALID_PATH */
export function checkNewName(name: string): void {
  if (name === '') throw new IpfsError('IPFS_INVALID_PATH', 'A name cannot be empty')
  checkName(name)
  // The importer takes a backslash before a slash for an escape and would join two names into one.
  if (name.endsWith('\\'))
    throw new IpfsError('IPFS_INVALID_PATH', `The name ${JSON.stringify(name)} ends in a backslash`)
}

function checkName(name: string): void {
  if (name === '.' || name === '..')
    throw new IpfsError('IPFS_INVALID_PATH', `A path cannot contain the name ${name}`)
  if (name.includes('/'))
    throw new IpfsError('IPFS_INVALID_PATH', `The name ${JSON.stringify(name)} contains a slash`)
  // Its UTF-8 would be that of another name.
  if (!name.isWellFormed())
    throw new IpfsError('IPFS_INVALID_PATH', `The name ${JSON.stringify(name)} has a lone surrogate`)
  if (name.includes('\0')) throw new IpfsError('IPFS_INVALID_PATH', 'A path cannot contain a NUL character')
}

function decode(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch (cause) {
    throw new IpfsError('IPFS_INVALID_PATH', `${JSON.stringify(name)} is not percent-encoded UTF-8`, {
      cause,
    })
  }
}
