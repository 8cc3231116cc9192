/** What decides how a file is cut into blocks. */
import type { CidProfile } from './ipfs.ts'

const chunkBytesOf: Readonly<Record<CidProfile, number>> = {
  'unixfs-v1-2025': 1_048_576,
  'unixfs-v0-2015': 262_144,
}

/** How files are cut. */
export interface FileShape {
  readonly profile: CidProfile
  /** Bytes of a leaf; the last one has what is left. */
  readonly chunkBytes: number
}

/** The shape of options. Default: `unixfs-v1-2025`, and the leaves of the profile. @throws TypeError, RangeError */
export function fileShape(options: {
  readonly profile?: CidProfile
  readonly chunkBytes?: number
}): FileShape {
  const { profile = 'unixfs-v1-2025' } = options
  if (!Object.hasOwn(chunkBytesOf, profile)) {
    throw new TypeError(
      `profile is one of ${Object.keys(chunkBytesOf).join(', ')}, not ${JSON.stringify(profile)}`,
    )
  }
  const { chunkBytes = chunkBytesOf[profile] } = options
  if (!Number.isSafeInteger(chunkBytes) || chunkBytes < 1 || chunkBytes > 1_048_576) {
    throw new RangeError(`chunkBytes is a whole number from 1 to 1,048,576, not ${chunkBytes}`)
  }
  return { profile, chunkBytes }
}
