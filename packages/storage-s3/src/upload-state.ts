/** The state of an upload in parts, which its caller keeps so that it can go on after a crash. */
import { ListPartsCommand } from '@aws-sdk/client-s3'
import { isUploadGone } from './ranges.ts'
import type { Service } from './service.ts'
import { versionOf } from './stat.ts'

/** A part that the service has taken. */
export interface UploadedPart {
  /** From 1. */
  readonly number: number
  /** Bytes. */
  readonly size: number
  /** In hex. */
  readonly sha256: string
  /** What the service answered. */
  readonly etag: string
  /** In base64, where the profile sends one. */
  readonly crc32?: string
}

/** An upload that has begun, as JSON can hold it. */
export interface UploadState {
  readonly key: string
  /** By which the service knows it. */
  readonly uploadId: string
  /** Bytes of its first part. */
  readonly partBytes: number
  /** Whether its parts grow. */
  readonly grows: boolean
  /** The SHA-256 and the CID that were given, and are noted with the object. */
  readonly sha256?: string
  readonly cid?: string
  /** In the order of their numbers. */
  readonly parts: readonly UploadedPart[]
}

/**
 * Those parts of a state that the service still lists with the size and the ETag that it answered to our bytes. A part is
 * used again only if the body has the same SHA-256 there, too.
 *
 * @returns undefined if the service does not know the upload any more
 */
export async function listedParts(
  service: Service,
  { key, uploadId, parts }: UploadState,
  signal: AbortSignal,
): Promise<Map<number, UploadedPart> | undefined> {
  const listed = new Map<number, UploadedPart>()
  const byNumber = new Map(parts.map((part) => [part.number, part]))
  let marker: string | undefined
  do {
    const input = { Bucket: service.options.bucket, Key: key, UploadId: uploadId, ...service.keyed }
    const command = new ListPartsCommand(
      marker === undefined ? input : { ...input, PartNumberMarker: marker },
    )
    let page
    try {
      page = await service.send(command, { signal })
    } catch (error) {
      if (isUploadGone(error)) return undefined
      throw error
    }
    for (const { PartNumber, Size, ETag } of page.Parts ?? []) {
      const part = byNumber.get(PartNumber ?? 0)
      if (part !== undefined && part.size === Size && part.etag === versionOf(ETag ?? ''))
        listed.set(part.number, part)
    }
    marker = page.IsTruncated === true ? page.NextPartNumberMarker : undefined
  } while (marker !== undefined)
  return listed
}
