/** URLs that carry a signature, so that somebody without the access key can do one thing for a while. */
import { GetObjectCommand, PutObjectCommand, UploadPartCommand } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { checkKey } from '@ipfs-kit/storage'
import { maxParts } from './part-plan.ts'
import type { Service } from './service.ts'

/** What a URL is for. */
export type PresignOptions = {
  readonly key: string
  /** How long it holds, in seconds, 1 to 604,800 (seven days). Default 3,600. */
  readonly expiresSeconds?: number
} & (
  | { readonly method: 'GET' | 'PUT' }
  /** A part of an upload that has begun: the `uploadId` of its state, and the number of the part, 1 to 10,000. */
  | { readonly method: 'PUT part'; readonly uploadId: string; readonly partNumber: number }
)

const longestSeconds = 604_800

/** @throws RangeError, TypeError for wrong options; StorageError `STORAGE_INVALID_KEY` */
export async function presign(service: Service, options: PresignOptions): Promise<string> {
  const { key, expiresSeconds = 3600 } = options
  checkKey(key)
  if (!Number.isSafeInteger(expiresSeconds) || expiresSeconds < 1 || expiresSeconds > longestSeconds) {
    throw new RangeError(
      `expiresSeconds is a whole number from 1 to ${longestSeconds}, not ${expiresSeconds}`,
    )
  }
  const at = { Bucket: service.options.bucket, Key: key }
  const during = { expiresIn: expiresSeconds }
  switch (options.method) {
    case 'GET':
      return await getSignedUrl(service.client, new GetObjectCommand(at), during)
    case 'PUT':
      return await getSignedUrl(service.client, new PutObjectCommand(at), during)
    case 'PUT part': {
      const { uploadId, partNumber } = options
      if (!Number.isSafeInteger(partNumber) || partNumber < 1 || partNumber > maxParts) {
        throw new RangeError(`partNumber is a whole number from 1 to ${maxParts}, not ${partNumber}`)
      }
      const part = { ...at, UploadId: uploadId, PartNumber: partNumber }
      return await getSignedUrl(service.client, new UploadPartCommand(part), during)
    }
    default:
      throw new TypeError('method is GET, PUT or PUT part')
  }
}
