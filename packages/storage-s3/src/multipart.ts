/** An upload in parts, several of which are under way at once. */
import { createHash } from 'node:crypto'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
  type CompletedPart,
} from '@aws-sdk/client-s3'
import {
  createSemaphore,
  run,
  type Owner,
  type Permit,
  type Semaphore,
  type Task,
} from '@ipfs-kit/concurrency'
import { failureOf, WrongAnswer } from './failure.ts'
import { head, isUploadGone } from './ranges.ts'
import { ServiceFailure, type Service } from './service.ts'
import { versionOf } from './stat.ts'
import { listedParts, type UploadedPart, type UploadState } from './upload-state.ts'

/** What an upload is made of. */
export interface MultipartOptions {
  readonly service: Service
  /** Whose tasks send the parts. */
  readonly owner: Owner
  /** What is known of it; without `uploadId` it is begun. */
  readonly start: Omit<UploadState, 'uploadId' | 'parts'>
  /** An upload to go on with. */
  readonly resume: UploadState | undefined
  readonly metadata: Record<string, string>
  /** Told of the new state when it has begun and after each part. */
  readonly onState: ((state: UploadState) => void) | undefined
  readonly signal: AbortSignal
}

/** An upload that has begun. */
export interface Multipart {
  /** Sends a part, or finds that the service has it. Resolves when there is room for another, not when it has arrived. */
  send(number: number, bytes: Uint8Array, onSent: () => unknown): Promise<void>
  /** Waits for the parts, and makes the object of them. */
  complete(condition: { IfMatch?: string; IfNoneMatch?: '*' }): Promise<string>
  /** Waits until no part is under way any more, and gives the upload up. */
  abort(signal: AbortSignal): Promise<void>
  /** Aborted with the failure of a part. */
  readonly failed: AbortSignal
}

/** Begins an upload, or goes on with one. */
export async function openMultipart(options: MultipartOptions): Promise<Multipart> {
  const { service, start, resume, metadata, onState, signal } = options
  const listed =
    resume === undefined
      ? undefined
      : await service.translate('ListParts', start.key, () => listedParts(service, resume, signal))
  if (resume !== undefined && listed !== undefined) return new Parts(options, resume.uploadId, listed)
  const command = new CreateMultipartUploadCommand({
    Bucket: service.options.bucket,
    Key: start.key,
    Metadata: metadata,
    ...service.written,
    ...service.checked,
  })
  const { UploadId } = await service.translate('CreateMultipartUpload', start.key, () =>
    service.send(command, { signal }),
  )
  if (UploadId === undefined) {
    const failure = failureOf(new WrongAnswer('the upload has no id'))
    throw service.errorOf(failure, 'CreateMultipartUpload', start.key)
  }
  onState?.({ ...start, uploadId: UploadId, parts: [] })
  return new Parts(options, UploadId, new Map())
}

class Parts implements Multipart {
  readonly #options: MultipartOptions
  readonly #uploadId: string
  readonly #known: ReadonlyMap<number, UploadedPart>
  readonly #room: Semaphore
  readonly #tasks = new Set<Task<void>>()
  readonly #done = new Map<number, UploadedPart>()
  readonly #failing = new AbortController()

  constructor(options: MultipartOptions, uploadId: string, known: ReadonlyMap<number, UploadedPart>) {
    this.#options = options
    this.#uploadId = uploadId
    this.#known = known
    this.#room = createSemaphore(options.service.options.concurrency, { name: 'parts' })
  }

  get failed(): AbortSignal {
    return this.#failing.signal
  }

  async send(number: number, bytes: Uint8Array, onSent: () => unknown): Promise<void> {
    const { owner, service } = this.#options
    // A part that has grown takes the place of several, so that the memory stays the same.
    const places = Math.min(
      service.options.concurrency,
      Math.ceil(bytes.byteLength / service.options.partBytes),
    )
    const permits: Permit[] = []
    for (let place = 0; place < places; place += 1) permits.push(await this.#room.acquire())
    const task = owner.spawn(async () => {
      try {
        this.#note(await this.#deliver(number, bytes))
        onSent()
      } catch (error) {
        this.#failing.abort(error)
      } finally {
        for (const permit of permits) permit.release()
        this.#tasks.delete(task)
      }
    })
    this.#tasks.add(task)
  }

  async #deliver(number: number, bytes: Uint8Array): Promise<UploadedPart> {
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const known = this.#known.get(number)
    if (known?.sha256 === sha256 && known.size === bytes.byteLength) return known
    const { service, signal, start } = this.#options
    const input = {
      Bucket: service.options.bucket,
      Key: start.key,
      UploadId: this.#uploadId,
      PartNumber: number,
      Body: bytes,
    }
    const command = new UploadPartCommand({ ...input, ...service.keyed, ...service.checked })
    const sending = { signal: AbortSignal.any([signal, this.failed]), sha256 }
    const { ETag, ChecksumCRC32 } = await service.translate('UploadPart', start.key, () =>
      service.send(command, sending),
    )
    const part = { number, size: bytes.byteLength, sha256, etag: versionOf(ETag ?? '') }
    return ChecksumCRC32 === undefined ? part : { ...part, crc32: ChecksumCRC32 }
  }

  #note(part: UploadedPart): void {
    const { start, onState } = this.#options
    this.#done.set(part.number, part)
    onState?.({
      ...start,
      uploadId: this.#uploadId,
      parts: inOrder(new Map([...this.#known, ...this.#done])),
    })
  }

  async complete(condition: { IfMatch?: string; IfNoneMatch?: '*' }): Promise<string> {
    const { service, signal, start } = this.#options
    for (const task of this.#tasks) await run(task)
    this.failed.throwIfAborted()
    const parts = inOrder(this.#done)
    const listed = parts.map(({ number, etag, crc32 }): CompletedPart => {
      const part = { PartNumber: number, ETag: `"${etag}"` }
      return crc32 === undefined ? part : { ...part, ChecksumCRC32: crc32 }
    })
    const input = {
      Bucket: service.options.bucket,
      Key: start.key,
      UploadId: this.#uploadId,
      MultipartUpload: { Parts: listed },
    }
    try {
      const { ETag } = await service.send(
        new CompleteMultipartUploadCommand({ ...input, ...service.keyed, ...condition }),
        { signal },
      )
      // Some do not tell it.
      return ETag === undefined || ETag === '' ? etagOfParts(parts) : versionOf(ETag)
    } catch (error) {
      if (!(error instanceof ServiceFailure) || !error.unsure) throw error
      // An attempt that had no answer may have made the object, and then the upload or the condition is gone.
      if (!isUploadGone(error) && error.failure.status !== 412) throw error
      const made = await head(service, start.key, signal)
      if (made?.version !== etagOfParts(parts)) throw error
      return made.version
    }
  }

  async abort(signal: AbortSignal): Promise<void> {
    const { service, start } = this.#options
    this.#failing.abort(new Error('the upload is given up'))
    for (const task of this.#tasks) await run(task)
    const input = { Bucket: service.options.bucket, Key: start.key, UploadId: this.#uploadId }
    try {
      await service.send(new AbortMultipartUploadCommand(input), { signal })
    } catch (error) {
      if (!isUploadGone(error)) throw error
    }
  }
}

function inOrder(parts: ReadonlyMap<number, UploadedPart>): UploadedPart[] {
  return [...parts.values()].sort((a, b) => a.number - b.number)
}

/** The ETag of an object that was made of parts, where those are MD5s. It serves to know our own object again, not its bytes. */
function etagOfParts(parts: readonly UploadedPart[]): string {
  const hash = createHash('md5')
  for (const { etag } of parts) hash.update(Buffer.from(etag, 'hex'))
  return `${hash.digest('hex')}-${parts.length}`
}
