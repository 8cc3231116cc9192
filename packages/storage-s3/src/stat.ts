/** What the service tells of an object, in the words of the contract. */
import type { ObjectStat } from '@ipfs-kit/storage'

/** Where our own digests are, in the metadata of an object. */
export const digestKey = 'ipfs-kit-sha256'
export const cidKey = 'ipfs-kit-cid'

/** What is known of an object in a bucket. */
export interface S3ObjectStat extends ObjectStat {
  /** The CID that was given when it was put. Listings lack it, as they have no metadata. */
  readonly cid?: string
}

/** What answers of the service have in common. */
interface Told {
  readonly ETag?: string | undefined
  readonly LastModified?: Date | undefined
  readonly Metadata?: Record<string, string> | undefined
}

/**
 * The ETag is the version and nothing else: it is the MD5 of the bytes at best, and often not even that. Times are in whole
 * seconds, since that is what HTTP has, and listings tell the same.
 */
export function statOf(key: string, size: number, { ETag, LastModified, Metadata }: Told): S3ObjectStat {
  const { [digestKey]: sha256, [cidKey]: cid } = Metadata ?? {}
  return {
    key,
    size,
    version: ETag === undefined ? undefined : versionOf(ETag),
    modifiedMs: LastModified === undefined ? undefined : Math.floor(LastModified.getTime() / 1000) * 1000,
    sha256: sha256 !== undefined && /^[0-9a-f]{64}$/.test(sha256) ? sha256 : undefined,
    ...(cid === undefined ? {} : { cid }),
  }
}

/** An ETag without its quotes. */
export function versionOf(etag: string): string {
  return etag.replace(/^"(.*)"$/, '$1')
}
