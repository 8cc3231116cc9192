/** The backend in a bucket of S3. */
import { DeleteObjectCommand } from '@aws-sdk/client-s3'
import { createOwner, moveOnAfter, run, type Owner, type Task } from '@ipfs-kit/concurrency'
import {
  checkCount,
  checkGet,
  checkKey,
  checkList,
  checkPut,
  keyOfCursor,
  probeByRoundTrip,
  StorageError,
  type Body,
  type CallOptions,
  type GetOptions,
  type ListOptions,
  type ListPage,
  type ProbeReport,
  type PutOptions,
  type StorageBackend,
  type StoredObject,
  type Supports,
} from '@ipfs-kit/storage'
import { tryAbilities, type S3Abilities } from './abilities.ts'
import { createBody } from './body.ts'
import { listPage } from './listing.ts'
import { checkOptions, type S3BackendOptions } from './options.ts'
import { presign, type PresignOptions } from './presign.ts'
import { firstRange, furtherRange, head } from './ranges.ts'
import { Service } from './service.ts'
import type { S3ObjectStat } from './stat.ts'
import { sweepUploads, type SweepOptions, type SweepReport } from './sweep.ts'
import { upload } from './upload.ts'
import type { UploadState } from './upload-state.ts'

/** Options of {@link S3Backend.put}. */
export interface S3PutOptions extends PutOptions {
  /** The SHA-256 that the body has to have, in hex. It is noted with the object, also with one that goes in parts. */
  readonly sha256?: string
  /** The CID of the content, noted with the object. Nobody checks that it is. */
  readonly cid?: string
  /** Told of the state of an upload in parts when it has begun and after each part. It is kept by the service then, also when the put fails. */
  readonly onState?: (state: UploadState) => void
  /** The last state of a put of the same key: parts that the service has with the digest of this body are not sent again. */
  readonly resume?: UploadState
}

/** What a probe found. */
export interface S3ProbeReport extends ProbeReport {
  readonly abilities: S3Abilities
}

/** A snapshot of what a backend is doing. */
export interface S3Stats {
  /** Puts that are running. */
  readonly puts: number
  /** Bodies that have been given out and are not read to their end. */
  readonly readers: number
  /** Uploads of puts that failed, which could not be given up. `sweep` finds them. */
  readonly leftUploads: number
}

/** A storage backend in a bucket. */
export interface S3Backend extends StorageBackend {
  /**
   * As in the contract. A body that is larger than `partBytes` goes in parts, several at once.
   *
   * @throws StorageError `STORAGE_CORRUPT` if the body has another SHA-256 than was given; `STORAGE_NOT_SUPPORTED` for a
   *   condition on a body in parts that the service does not keep
   */
  put(key: string, body: Body, options?: S3PutOptions): Promise<S3ObjectStat>
  get(key: string, options?: GetOptions): Promise<(StoredObject & S3ObjectStat) | undefined>
  stat(key: string, options?: CallOptions): Promise<S3ObjectStat | undefined>
  /** As in the contract, and tries out what the service can do. */
  probe(options?: CallOptions): Promise<S3ProbeReport>
  /** Gives up uploads in parts that began long ago. */
  sweep(options: SweepOptions): Promise<SweepReport>
  /** A URL with which anybody can do one thing for a while. Who has it needs no access key: keep it like one. */
  presign(options: PresignOptions): Promise<string>
  /** Counts of this moment, frozen. */
  stats(): S3Stats
}

/** How long the upload of a put that has failed may take to be given up, in milliseconds. */
const cleanupMs = 5_000

/**
 * Makes a backend, which asks nothing of the service yet.
 *
 * @throws TypeError for an option that is unknown, lacks or is of the wrong type
 * @throws RangeError for a number out of its range
 */
export function createS3Backend(options: S3BackendOptions): S3Backend {
  return new InBucket(new Service(checkOptions(options)))
}

class InBucket implements S3Backend {
  readonly name: string
  readonly failureDomain: string
  readonly supports: Supports
  readonly #service: Service
  readonly #owner: Owner
  readonly #closing = new AbortController()
  readonly #puts = new Set<Promise<S3ObjectStat>>()
  readonly #cleanups = new Set<Task<void>>()
  #readers = 0
  #leftUploads = 0

  constructor(service: Service) {
    const { name, failureDomain, conditionalPut, conditionalReplace } = service.options
    this.#service = service
    this.name = name
    this.failureDomain = failureDomain
    this.supports = Object.freeze({
      write: true,
      delete: true,
      list: true,
      ranges: true,
      conditionalPut,
      conditionalReplace,
      keys: 'any',
    })
    this.#owner = createOwner({ name })
  }

  async put(key: string, body: Body, options: S3PutOptions = {}): Promise<S3ObjectStat> {
    this.#enter(options)
    checkKey(key)
    const checked = checkPut(options, this.supports)
    const { sha256, cid, onState, resume } = options
    checkDigests(key, options)
    const putting = upload(
      {
        service: this.#service,
        owner: this.#owner,
        key,
        checked,
        sha256,
        cid,
        onState,
        resume,
        signal: this.#signalOf(options),
        cleanUp: (work) => this.#cleanUp(work),
      },
      body,
    )
    this.#puts.add(putting)
    try {
      return await putting
    } finally {
      this.#puts.delete(putting)
    }
  }

  async get(key: string, options: GetOptions = {}): Promise<(StoredObject & S3ObjectStat) | undefined> {
    this.#enter(options)
    checkKey(key)
    const wanted = checkGet(options)
    const signal = this.#signalOf(options)
    const first = await firstRange(this.#service, key, wanted, signal)
    if (first === undefined) return undefined
    const { stat, from } = first
    const to = Math.min(stat.size, from + wanted.length)
    const { partBytes, concurrency } = this.#service.options
    this.#readers += 1
    const body = createBody({
      first,
      to,
      rangeBytes: partBytes,
      concurrency,
      owner: this.#owner,
      signal,
      fetch: (start, length, inner) => furtherRange(this.#service, stat, start, length, inner),
      onEnd: () => {
        this.#readers -= 1
      },
    })
    return { ...stat, offset: from, length: to - from, body }
  }

  async stat(key: string, options: CallOptions = {}): Promise<S3ObjectStat | undefined> {
    this.#enter(options)
    checkKey(key)
    return await head(this.#service, key, this.#signalOf(options))
  }

  async delete(key: string, options: CallOptions = {}): Promise<void> {
    this.#enter(options)
    checkKey(key)
    const signal = this.#signalOf(options)
    const command = new DeleteObjectCommand({ Bucket: this.#service.options.bucket, Key: key })
    await this.#service.translate('DeleteObject', key, () => this.#service.send(command, { signal }))
  }

  async list(options: ListOptions = {}): Promise<ListPage> {
    this.#enter(options)
    const checked = checkList(options)
    if (options.cursor !== undefined) keyOfCursor(options.cursor, checked.prefix)
    return await listPage(this.#service, checked, options.cursor, this.#signalOf(options))
  }

  async probe(options: CallOptions = {}): Promise<S3ProbeReport> {
    const report = await probeByRoundTrip(this, options)
    const signal = this.#signalOf(options)
    const abilities = await this.#service.translate('probe', undefined, () =>
      tryAbilities(this.#service, signal),
    )
    return { ...report, abilities }
  }

  async sweep(options: SweepOptions): Promise<SweepReport> {
    this.#enter(options)
    checkCount('olderThanMs', options.olderThanMs)
    const signal = this.#signalOf(options)
    return await this.#service.translate('sweep', options.prefix, () =>
      sweepUploads(this.#service, options, signal),
    )
  }

  async presign(options: PresignOptions): Promise<string> {
    this.#enter({})
    return await presign(this.#service, options)
  }

  async close(): Promise<void> {
    if (!this.#closing.signal.aborted) this.#closing.abort(closed(this.name))
    // waits: each put tells its own caller how it went.
    await Promise.allSettled(this.#puts)
    for (const task of this.#cleanups) await run(task)
    await this.#owner.close()
    this.#service.client.destroy()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  stats(): S3Stats {
    return Object.freeze({ puts: this.#puts.size, readers: this.#readers, leftUploads: this.#leftUploads })
  }

  /** Begins a call, or refuses it when it is too late. */
  #enter({ signal }: CallOptions): void {
    if (this.#closing.signal.aborted) throw closed(this.name)
    signal?.throwIfAborted()
  }

  /** The signal that ends a call: the caller's or that of the closing. */
  #signalOf({ signal }: CallOptions): AbortSignal {
    return signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal])
  }

  /** Nobody waits for it but `close`: the put has its outcome already. */
  #cleanUp(work: (signal: AbortSignal) => Promise<void>): void {
    const task = this.#owner.spawn(async () => {
      try {
        const done = await moveOnAfter(cleanupMs, async (scope) => {
          await work(scope.signal)
          return true
        })
        if (done !== true) this.#leftUploads += 1
      } catch {
        this.#leftUploads += 1
      } finally {
        this.#cleanups.delete(task)
      }
    })
    this.#cleanups.add(task)
  }
}

/** @throws TypeError for digests that are none, and for a state of another put */
function checkDigests(
  key: string,
  { sha256, cid, resume }: Pick<S3PutOptions, 'sha256' | 'cid' | 'resume'>,
): void {
  if (sha256 !== undefined && !/^[0-9a-f]{64}$/.test(sha256))
    throw new TypeError('sha256 is a SHA-256 in 64 hex digits, in lower case')
  if (cid !== undefined && !/^[A-Za-z0-9+/=_-]{1,200}$/.test(cid))
    throw new TypeError('cid is a CID as text, of at most 200 characters')
  if (resume !== undefined && (resume.key !== key || resume.sha256 !== sha256 || resume.cid !== cid)) {
    throw new TypeError('resume is the state of another put: key, sha256 and cid have to be the same')
  }
}

function closed(name: string): StorageError {
  return new StorageError('STORAGE_CLOSED', `The backend ${JSON.stringify(name)} is closed`)
}
