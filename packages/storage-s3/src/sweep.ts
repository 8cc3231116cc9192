/** Gives up uploads that nobody goes on with: their parts are paid for, and no listing of objects shows them. */
import {
  AbortMultipartUploadCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
} from '@aws-sdk/client-s3'
import { isUploadGone } from './ranges.ts'
import type { Service } from './service.ts'

/** Options of a sweep. */
export interface SweepOptions {
  /** Only uploads that began so long ago, in milliseconds. */
  readonly olderThanMs: number
  /** Only of keys that begin with this. Default: all. */
  readonly prefix?: string
  readonly signal?: AbortSignal
}

/** What a sweep did. */
export interface SweepReport {
  /** Uploads that were given up. */
  readonly aborted: number
  /** Uploads that are younger. */
  readonly left: number
}

/** Lists all uploads, and aborts the old ones. */
export async function sweepUploads(
  service: Service,
  { olderThanMs, prefix = '' }: SweepOptions,
  signal: AbortSignal,
): Promise<SweepReport> {
  const { bucket } = service.options
  const latest = Date.now() - olderThanMs
  let aborted = 0
  let left = 0
  let after: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {}
  while (after !== undefined) {
    const command: ListMultipartUploadsCommand = new ListMultipartUploadsCommand({
      Bucket: bucket,
      Prefix: prefix,
      ...after,
    })
    const page: ListMultipartUploadsCommandOutput = await service.send(command, { signal })
    for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
      if (Initiated === undefined || Initiated.getTime() > latest) {
        left += 1
        continue
      }
      await abortOne(service, { Bucket: bucket, Key, UploadId }, signal)
      aborted += 1
    }
    const { IsTruncated, NextKeyMarker, NextUploadIdMarker } = page
    const isMore = IsTruncated === true && NextKeyMarker !== undefined
    after = isMore
      ? {
          KeyMarker: NextKeyMarker,
          ...(NextUploadIdMarker === undefined ? {} : { UploadIdMarker: NextUploadIdMarker }),
        }
      : undefined
  }
  return { aborted, left }
}

/** Its owner may have ended it meanwhile. */
async function abortOne(
  service: Service,
  upload: { Bucket: string; Key: string | undefined; UploadId: string | undefined },
  signal: AbortSignal,
): Promise<void> {
  try {
    await service.send(new AbortMultipartUploadCommand(upload), { signal })
  } catch (error) {
    if (!isUploadGone(error)) throw error
  }
}
