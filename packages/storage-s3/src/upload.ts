/** Puts a body: in one request if it is small, else in parts. At most `concurrency` + 1 parts of it are in memory. */
import { createHash, type Hash } from 'node:crypto'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import type { Owner } from '@ipfs-kit/concurrency'
import { checkCondition, StorageError, takeIn, type Body, type CheckedPut } from '@ipfs-kit/storage'
import { openMultipart, type Multipart } from './multipart.ts'
import { bytesOfPart, planParts, type PartPlan } from './part-plan.ts'
import { hasStatus, head } from './ranges.ts'
import { ServiceFailure, type Service } from './service.ts'
import { cidKey, digestKey, statOf, versionOf, type S3ObjectStat } from './stat.ts'
import type { UploadState } from './upload-state.ts'

/** What is put. */
export interface UploadOptions {
  readonly service: Service
  readonly owner: Owner
  readonly key: string
  readonly checked: CheckedPut
  readonly sha256: string | undefined
  readonly cid: string | undefined
  readonly resume: UploadState | undefined
  readonly onState: ((state: UploadState) => void) | undefined
  readonly signal: AbortSignal
  /** Takes work that goes on after the put has failed. */
  readonly cleanUp: (work: (signal: AbortSignal) => Promise<void>) => void
}

const firstBytes = 64 * 1024

/** @returns what is known of the new object */
export async function upload(options: UploadOptions, body: Body): Promise<S3ObjectStat> {
  const { service, key, checked, signal } = options
  if (checked.ifAbsent || checked.ifVersion !== undefined)
    checkCondition(key, checked, await head(service, key, signal))
  const put = new Put(options, body instanceof Uint8Array ? body.byteLength : checked.size)
  try {
    // A part that fails ends the intake, whatever the body does.
    const intake = AbortSignal.any([signal, put.failed])
    await takeIn(body, intake, (chunk) => put.take(chunk), checked.size)
    return await put.finish()
  } catch (error) {
    put.giveUp()
    throw error
  }
}

class Put {
  readonly #options: UploadOptions
  readonly #plan: PartPlan
  readonly #failing = new AbortController()
  /** Memory of parts that have been sent. */
  readonly #spare: Uint8Array[] = []
  readonly #whole: Hash = createHash('sha256')
  #part: Uint8Array
  #filled = 0
  #number = 1
  #size = 0
  #multipart: Multipart | undefined

  constructor(options: UploadOptions, size: number | undefined) {
    const { partBytes, equalParts } = options.service.options
    this.#options = options
    this.#plan = options.resume ?? planParts(partBytes, size, equalParts)
    this.#part = new Uint8Array(Math.min(size ?? firstBytes, this.#plan.partBytes))
  }

  get failed(): AbortSignal {
    return this.#failing.signal
  }

  /** Copies a chunk into the part, and sends parts that are full once there is more. */
  async take(chunk: Uint8Array): Promise<void> {
    let rest = chunk
    while (rest.byteLength > 0) {
      const partBytes = bytesOfPart(this.#plan, this.#number)
      if (this.#filled === partBytes) {
        await this.#sendPart()
        continue
      }
      const piece = rest.subarray(0, partBytes - this.#filled)
      this.#room(this.#filled + piece.byteLength, partBytes)
      this.#part.set(piece, this.#filled)
      this.#filled += piece.byteLength
      this.#size += piece.byteLength
      rest = rest.subarray(piece.byteLength)
    }
  }

  /** Has room for so many bytes in the part. */
  #room(bytes: number, partBytes: number): void {
    if (this.#part.byteLength >= bytes) return
    const spare = this.#spare.findIndex((one) => one.byteLength >= bytes)
    const larger =
      spare === -1
        ? new Uint8Array(Math.min(partBytes, Math.max(bytes, 2 * this.#part.byteLength)))
        : this.#spare.splice(spare, 1)[0]!
    larger.set(this.#part.subarray(0, this.#filled))
    this.#part = larger
  }

  async #sendPart(): Promise<void> {
    const memory = this.#part
    const bytes = memory.subarray(0, this.#filled)
    this.#whole.update(bytes)
    this.#multipart ??= await this.#begin()
    await this.#multipart.send(this.#number, bytes, () => this.#spare.push(memory))
    this.#number += 1
    this.#filled = 0
    this.#part = this.#spare.pop() ?? new Uint8Array()
  }

  async #begin(): Promise<Multipart> {
    const { service, owner, key, checked, sha256, cid, resume, onState, signal } = this.#options
    if ((checked.ifAbsent || checked.ifVersion !== undefined) && !service.options.conditionalMultipart) {
      throw new StorageError(
        'STORAGE_NOT_SUPPORTED',
        `The service keeps no condition for a body of more than ${this.#plan.partBytes} bytes, which goes in parts: put it without`,
      )
    }
    const digests = { ...(sha256 === undefined ? {} : { sha256 }), ...(cid === undefined ? {} : { cid }) }
    const { partBytes, grows } = this.#plan
    const start = { key, partBytes, grows, ...digests }
    const metadata = this.#metadata(sha256)
    const multipart = await openMultipart({ service, owner, start, resume, metadata, onState, signal })
    multipart.failed.addEventListener('abort', () => this.#failing.abort(multipart.failed.reason))
    return multipart
  }

  async finish(): Promise<S3ObjectStat> {
    const { service, key, checked, sha256: expected } = this.#options
    const bytes = this.#part.subarray(0, this.#filled)
    const sha256 = this.#whole.update(bytes).digest('hex')
    if (expected !== undefined && expected !== sha256) {
      throw new StorageError(
        'STORAGE_CORRUPT',
        `The body has the SHA-256 ${sha256}, and not ${expected} as was given`,
      )
    }
    const condition = {
      ...(checked.ifAbsent ? { IfNoneMatch: '*' as const } : {}),
      ...(checked.ifVersion === undefined ? {} : { IfMatch: service.etagOf(checked.ifVersion) }),
    }
    const call = this.#multipart === undefined ? 'PutObject' : 'CompleteMultipartUpload'
    const version = await service.translate(call, key, async () => {
      try {
        if (this.#multipart === undefined) return await this.#putWhole(bytes, sha256, condition)
        await this.#multipart.send(this.#number, bytes, () => undefined)
        return await this.#multipart.complete(condition)
      } catch (error) {
        // A condition on an object that is not there is refused as 404 by some.
        const refused = hasStatus(error, 412) || hasStatus(error, 409) || hasStatus(error, 404)
        if (refused && (checked.ifAbsent || checked.ifVersion !== undefined)) await this.#explainRefusal()
        throw error
      }
    })
    const noted = this.#multipart === undefined ? sha256 : expected
    const found = await this.#look()
    // Somebody else's value may have taken the place of this one already.
    if (found?.version === version && found.size === this.#size) return found
    return { ...statOf(key, this.#size, { Metadata: this.#metadata(noted) }), version }
  }

  /** The object is stored: that it cannot be looked at, as with a key that may only write, does not make the put fail. */
  async #look(): Promise<S3ObjectStat | undefined> {
    const { service, key, signal } = this.#options
    try {
      return await head(service, key, signal)
    } catch (error) {
      if (error instanceof StorageError && error.code !== 'STORAGE_CLOSED') return undefined
      throw error
    }
  }

  async #putWhole(
    bytes: Uint8Array,
    sha256: string,
    condition: { IfMatch?: string; IfNoneMatch?: '*' },
  ): Promise<string> {
    const { service, key, signal } = this.#options
    const input = { Bucket: service.options.bucket, Key: key, Body: bytes, Metadata: this.#metadata(sha256) }
    try {
      const command = new PutObjectCommand({ ...input, ...service.written, ...service.checked, ...condition })
      const { ETag } = await service.send(command, { signal, sha256 })
      return versionOf(ETag ?? '')
    } catch (error) {
      if (!(error instanceof ServiceFailure) || !error.unsure || error.failure.status !== 412) throw error
      // An attempt that had no answer may have put this value, and then the condition does not hold any more.
      const made = await head(service, key, signal)
      if (made?.sha256 !== sha256 || made.version === undefined) throw error
      return made.version
    }
  }

  /** @throws StorageError `STORAGE_EXISTS`, `STORAGE_CONFLICT` */
  async #explainRefusal(): Promise<void> {
    const { service, key, checked, signal } = this.#options
    checkCondition(key, checked, await head(service, key, signal))
  }

  #metadata(sha256: string | undefined): Record<string, string> {
    const { cid } = this.#options
    return {
      ...(sha256 === undefined ? {} : { [digestKey]: sha256 }),
      ...(cid === undefined ? {} : { [cidKey]: cid }),
    }
  }

  /** An upload whose caller keeps its state is left as it is, to be gone on with. */
  giveUp(): void {
    const multipart = this.#multipart
    if (multipart === undefined || this.#options.onState !== undefined || this.#options.resume !== undefined)
      return
    this.#options.cleanUp((signal) => multipart.abort(signal))
  }
}
