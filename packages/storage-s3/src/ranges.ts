/** Reads ranges of objects: each whole, of the length that was promised, and of one version. */
import {
  GetObjectCommand,
  HeadObjectCommand,
  HeadBucketCommand,
  type GetObjectCommandOutput,
} from '@aws-sdk/client-s3'
import { StorageError, windowOf, type Wanted } from '@ipfs-kit/storage'
import { WrongAnswer, WrongLength } from './failure.ts'
import { ServiceFailure, type Service } from './service.ts'
import { statOf, type S3ObjectStat } from './stat.ts'

/** A range of an object. */
export interface Range {
  /** Of the whole object. */
  readonly stat: S3ObjectStat
  /** First byte of the range within the object. */
  readonly from: number
  readonly bytes: Uint8Array
}

/** What is known of an object, or undefined if there is none. */
export async function head(
  service: Service,
  key: string,
  signal: AbortSignal,
): Promise<S3ObjectStat | undefined> {
  const { bucket } = service.options
  return await service.translate('HeadObject', key, async () => {
    try {
      const found = await service.send(
        new HeadObjectCommand({ Bucket: bucket, Key: key, ...service.keyed }),
        { signal },
      )
      return statOf(key, found.ContentLength ?? 0, found)
    } catch (error) {
      if (!hasStatus(error, 404)) throw error
    }
    // The answer to HEAD has no body, so it does not say what is not there: the object or the bucket.
    try {
      await service.send(new HeadBucketCommand({ Bucket: bucket }), { signal })
    } catch (error) {
      if (!(error instanceof ServiceFailure) || error.failure.status !== 404) throw error
      throw service.errorOf({ ...error.failure, code: 'NoSuchBucket' }, 'HeadObject', key)
    }
    return undefined
  })
}

/**
 * The first range of what is wanted, of at most `partBytes`.
 *
 * @returns undefined if there is no such object
 * @throws StorageError `STORAGE_RANGE`, and what the service fails with
 */
export async function firstRange(
  service: Service,
  key: string,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<Range | undefined> {
  const { offset, length } = wanted
  if (length > 0) {
    const found = await rangeOf(
      service,
      key,
      offset,
      Math.min(length, service.options.partBytes),
      undefined,
      signal,
    )
    if (found !== 'past the end') return found
  }
  const stat = await head(service, key, signal)
  if (stat === undefined) return undefined
  const { from } = windowOf(wanted, stat.size)
  if (length > 0 && stat.size > 0) return await firstRange(service, key, wanted, signal)
  return { stat, from, bytes: new Uint8Array() }
}

/**
 * A further range of an object.
 *
 * @throws StorageError `STORAGE_CHANGED` if it is not of this version any more
 */
export async function furtherRange(
  service: Service,
  stat: S3ObjectStat,
  from: number,
  length: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const found = await rangeOf(service, stat.key, from, length, stat.version, signal)
  if (found === undefined || found === 'past the end') throw changed(stat.key)
  if (found.bytes.byteLength !== length) throw changed(stat.key)
  return found.bytes
}

async function rangeOf(
  service: Service,
  key: string,
  from: number,
  length: number,
  version: string | undefined,
  signal: AbortSignal,
): Promise<Range | 'past the end' | undefined> {
  const last = Math.min(from + length - 1, Number.MAX_SAFE_INTEGER)
  const condition = version === undefined ? {} : { IfMatch: service.etagOf(version) }
  const input = {
    Bucket: service.options.bucket,
    Key: key,
    Range: `bytes=${from}-${last}`,
    ...condition,
    ...service.keyed,
  }
  return await service.translate('GetObject', key, async () => {
    try {
      return await service.attempt(signal, async (inner) => {
        const answer = await service.client.send(new GetObjectCommand(input), { abortSignal: inner })
        const { size, promised } = promiseOf(answer, from, length)
        const bytes = await readAll(
          answer.Body as AsyncIterable<Uint8Array> & { destroy(): void },
          promised,
          inner,
        )
        return { stat: statOf(key, size, answer), from, bytes }
      })
    } catch (error) {
      if (hasCode(error, 'NoSuchKey')) return undefined
      if (hasStatus(error, 416)) return 'past the end'
      if (hasStatus(error, 412)) throw changed(key)
      throw error
    }
  })
}

/** What an answer promises: size of the object and bytes of the body. */
function promiseOf(
  answer: GetObjectCommandOutput,
  from: number,
  length: number,
): { size: number; promised: number } {
  const { ContentRange, ContentLength } = answer
  const [, first, last, size] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(ContentRange ?? '') ?? []
  if (size !== undefined) {
    const promised = Number(last) - Number(first) + 1
    if (Number(first) !== from || promised !== Math.min(length, Number(size) - from)) {
      throw new WrongAnswer(`the range ${ContentRange} was not asked for`)
    }
    return { size: Number(size), promised }
  }
  // A service that knows no ranges gives everything, which is what was asked for if it is no more than that.
  if (from !== 0 || ContentLength === undefined || ContentLength > length)
    throw new WrongAnswer('the answer does not say which range it is')
  return { size: ContentLength, promised: ContentLength }
}

/** Reads a body that has so many bytes, and no longer than until it has more. */
async function readAll(
  body: AsyncIterable<Uint8Array> & { destroy(): void },
  promised: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  // Memory of its own, since it goes to the reader; all of it is written before it does.
  const bytes = Buffer.allocUnsafeSlow(promised)
  const stop = (): void => body.destroy()
  signal.addEventListener('abort', stop, { once: true })
  try {
    let at = 0
    for await (const chunk of body) {
      if (at + chunk.byteLength > promised)
        throw new WrongLength(`more than the ${promised} bytes that were promised came`)
      bytes.set(chunk, at)
      at += chunk.byteLength
    }
    if (at < promised) throw new WrongLength(`${at} bytes came of the ${promised} that were promised`)
    return bytes
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

function changed(key: string): StorageError {
  return new StorageError(
    'STORAGE_CHANGED',
    `The object ${JSON.stringify(key)} was replaced or deleted while it was read`,
  )
}

/** Whether an upload in parts is not there any more. Some say that of its key. */
export function isUploadGone(error: unknown): boolean {
  return hasStatus(error, 404) && !hasCode(error, 'NoSuchBucket')
}

export function hasStatus(error: unknown, status: number): boolean {
  return error instanceof ServiceFailure && error.failure.status === status
}

export function hasCode(error: unknown, code: string): boolean {
  return error instanceof ServiceFailure && error.failure.code === code
}
