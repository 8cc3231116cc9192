/** Finds out what a service can do, by trying it with a small object of its own. */
import { randomBytes, randomUUID } from 'node:crypto'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { ServiceFailure, type Service } from './service.ts'

/** What a service was seen to do. */
export interface S3Abilities {
  /** It takes `x-amz-checksum-crc32`: `checksums` may be `crc32`. */
  readonly crc32: boolean
  /** It gives ranges. */
  readonly ranges: boolean
  /** It keeps `If-None-Match: *` of `PutObject`. */
  readonly conditionalPut: boolean
  /** It keeps `If-Match` of `PutObject`. */
  readonly conditionalReplace: boolean
  /** It makes an object of parts. */
  readonly multipart: boolean
  /** It keeps `If-None-Match: *` of `CompleteMultipartUpload`. */
  readonly conditionalMultipart: boolean
  /** The bucket keeps former versions of objects. `undefined` if the service does not tell. */
  readonly versioning: boolean | undefined
}

const bytes = randomBytes(16)
const otherEtag = '"00000000000000000000000000000000"'

/**
 * Tries everything out, and removes what it made. A refusal is an answer; only what says nothing of an ability is an error.
 *
 * @throws ServiceFailure if the service is not reached, or refuses a plain put
 */
export async function tryAbilities(service: Service, signal: AbortSignal): Promise<S3Abilities> {
  const at = { Bucket: service.options.bucket, Key: `.ipfs-kit-probe-${randomUUID()}` }
  const put = (more: object): PutObjectCommand =>
    new PutObjectCommand({ ...at, Body: bytes, ...service.written, ...more })
  await service.send(put({}), { signal })
  try {
    const isRefused = async (more: object): Promise<boolean> =>
      (await outcome(service.send(put(more), { signal }))).status === 412
    const conditionalPut = await isRefused({ IfNoneMatch: '*' })
    const conditionalReplace = await isRefused({ IfMatch: otherEtag })
    const crc32 = (await outcome(service.send(put({ ChecksumAlgorithm: 'CRC32' }), { signal }))).done
    const parts = await tryParts(service, at, signal)
    return {
      crc32,
      ranges: await tryRange(service, at, signal),
      conditionalPut,
      conditionalReplace,
      ...parts,
      versioning: await tryVersioning(service, signal),
    }
  } finally {
    await service.send(new DeleteObjectCommand(at), { signal })
  }
}

async function tryRange(
  service: Service,
  at: { Bucket: string; Key: string },
  signal: AbortSignal,
): Promise<boolean> {
  const found = await service.send(new GetObjectCommand({ ...at, Range: 'bytes=1-2', ...service.keyed }), {
    signal,
  })
  const got = await found.Body?.transformToByteArray()
  return got !== undefined && bytes.subarray(1, 3).equals(got)
}

async function tryParts(
  service: Service,
  at: { Bucket: string; Key: string },
  signal: AbortSignal,
): Promise<Pick<S3Abilities, 'multipart' | 'conditionalMultipart'>> {
  const begun = await outcome(
    service.send(new CreateMultipartUploadCommand({ ...at, ...service.written }), { signal }),
  )
  const UploadId = begun.done ? begun.value.UploadId : undefined
  if (UploadId === undefined) return { multipart: false, conditionalMultipart: false }
  const { ETag } = await service.send(
    new UploadPartCommand({ ...at, UploadId, PartNumber: 1, Body: bytes, ...service.keyed }),
    { signal },
  )
  const input = { ...at, UploadId, MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] }, ...service.keyed }
  const refused = await outcome(
    service.send(new CompleteMultipartUploadCommand({ ...input, IfNoneMatch: '*' }), { signal }),
  )
  if (refused.done) return { multipart: true, conditionalMultipart: false }
  await service.send(new AbortMultipartUploadCommand({ ...at, UploadId }), { signal })
  return { multipart: true, conditionalMultipart: refused.status === 412 }
}

async function tryVersioning(service: Service, signal: AbortSignal): Promise<boolean | undefined> {
  const told = await outcome(
    service.send(new GetBucketVersioningCommand({ Bucket: service.options.bucket }), { signal }),
  )
  return told.done ? told.value.Status === 'Enabled' : undefined
}

type Outcome<T> =
  | { readonly done: true; readonly value: T; readonly status: undefined }
  | { readonly done: false; readonly status: number }

/** A refusal by status 400 to 499 and 501 is an outcome, every other failure goes on. */
async function outcome<T>(call: Promise<T>): Promise<Outcome<T>> {
  try {
    return { done: true, value: await call, status: undefined }
  } catch (error) {
    const status = error instanceof ServiceFailure ? error.failure.status : undefined
    if (status === undefined || (status >= 500 && status !== 501)) throw error
    return { done: false, status }
  }
}
