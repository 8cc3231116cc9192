/** Requests to the service: each with a limit of time, and sent again when that may help. */
import { createHash } from 'node:crypto'
import {
  S3Client,
  type CreateMultipartUploadCommandInput,
  type GetObjectCommandInput,
  type ServiceInputTypes,
  type ServiceOutputTypes,
} from '@aws-sdk/client-s3'
import { moveOnAfter, random, run, sleep } from '@ipfs-kit/concurrency'
import { StorageError } from '@ipfs-kit/storage'
import { failureOf, isTransient, NoAnswer, toStorageError, type Failure } from './failure.ts'
import type { CheckedOptions, S3Credentials } from './options.ts'

const firstBackoffMs = 200
const lastBackoffMs = 20_000
/** A service that asks for a longer wait is told of to the caller at once. */
const longestRetryAfterMs = 60_000

/** A command of the SDK. */
type Command<Input extends ServiceInputTypes, Output extends ServiceOutputTypes> = Parameters<
  typeof S3Client.prototype.send<Input, Output>
>[0]

/** Options of {@link Service.send}. */
export interface SendOptions {
  readonly signal: AbortSignal
  /** SHA-256 of the body in hex, which is signed: the service refuses a body that has another. */
  readonly sha256?: string
}

/** Headers of encryption. */
type Encrypted = Pick<
  CreateMultipartUploadCommandInput,
  'ServerSideEncryption' | 'SSEKMSKeyId' | 'SSECustomerAlgorithm' | 'SSECustomerKey' | 'SSECustomerKeyMD5'
>

/** A service that failed after all attempts. */
export class ServiceFailure extends Error {
  readonly failure: Failure
  /** Whether an attempt before the last has had no answer, so that it may have been carried out. */
  readonly unsure: boolean

  constructor(failure: Failure, unsure: boolean) {
    super(failure.code)
    this.failure = failure
    this.unsure = unsure
  }
}

/** One bucket of one service. */
export class Service {
  readonly client: S3Client
  readonly options: CheckedOptions
  readonly #secrets = new Set<string>()
  readonly #foreign = new Set<unknown>()

  constructor(options: CheckedOptions) {
    this.options = options
    const { endpoint, encryption } = options
    if (encryption?.kind === 'customer') this.#secrets.add(Buffer.from(encryption.key).toString('base64'))
    this.client = new S3Client({
      region: options.region,
      ...(endpoint === 'of-region' ? {} : { endpoint: endpoint! }),
      forcePathStyle: options.pathStyle,
      credentials: async () => {
        const found = await this.#credentials()
        this.#secrets.add(found.secretAccessKey)
        if (found.sessionToken !== undefined) this.#secrets.add(found.sessionToken)
        return found
      },
      // What is sent again, and when, is decided here; a CRC32 is asked for where it is wanted.
      maxAttempts: 1,
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      requestHandler: {
        httpAgent: { maxSockets: Infinity, keepAlive: true },
        httpsAgent: { maxSockets: Infinity, keepAlive: true },
      },
    })
  }

  /** The error of somebody else's function passes through untouched, whatever code it has. */
  async #credentials(): Promise<S3Credentials> {
    try {
      return await this.options.credentials()
    } catch (error) {
      this.#foreign.add(error)
      throw error
    }
  }

  /** For commands that write an object. */
  get written(): Encrypted & { StorageClass?: never } {
    const { encryption, storageClass } = this.options
    const stored = storageClass === undefined ? {} : { StorageClass: storageClass as never }
    if (encryption?.kind === 's3') return { ...stored, ServerSideEncryption: 'AES256' }
    if (encryption?.kind !== 'kms') return { ...stored, ...this.keyed }
    const key = encryption.keyId === undefined ? {} : { SSEKMSKeyId: encryption.keyId }
    return { ...stored, ServerSideEncryption: 'aws:kms', ...key }
  }

  /** For commands that need the key of the customer again. */
  get keyed(): Pick<GetObjectCommandInput, 'SSECustomerAlgorithm' | 'SSECustomerKey' | 'SSECustomerKeyMD5'> {
    const { encryption } = this.options
    if (encryption?.kind !== 'customer') return {}
    const key = Buffer.from(encryption.key)
    return {
      SSECustomerAlgorithm: 'AES256',
      SSECustomerKey: key.toString('base64'),
      // The header is defined as the MD5 of the key, to find errors of transmission.
      SSECustomerKeyMD5: createHash('md5').update(key).digest('base64'),
    }
  }

  /** The ETag of a version, for conditions. */
  etagOf(version: string): string {
    return this.options.bareEtags ? version : `"${version}"`
  }

  /** For commands that send bytes. */
  get checked(): { ChecksumAlgorithm?: 'CRC32' } {
    return this.options.checksums === 'crc32' ? { ChecksumAlgorithm: 'CRC32' } : {}
  }

  /**
   * Sends a command, again if that may help.
   *
   * @throws ServiceFailure; the reason of the signal; the error of the function that gives the credentials
   */
  async send<Input extends ServiceInputTypes, Output extends ServiceOutputTypes>(
    command: Command<Input, Output>,
    { signal, sha256 }: SendOptions,
  ): Promise<Output> {
    return await this.attempt(signal, async (inner) => {
      if (sha256 !== undefined) signBody(command, sha256)
      return await this.client.send(command, { abortSignal: inner })
    })
  }

  /** Does some work with the service, again if that may help. Its signal is aborted when its time is up. */
  async attempt<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { attempts, timeoutMs } = this.options
    let unsure = false
    for (let tried = 1; ; tried += 1) {
      let failure: Failure
      try {
        const done = await moveOnAfter(
          timeoutMs,
          async (scope) => ({ value: await run(work(scope.signal)) }),
          { signal },
        )
        if (done !== undefined) return done.value
        failure = failureOf(new NoAnswer(`no answer in ${timeoutMs} ms`))
      } catch (error) {
        signal.throwIfAborted()
        if (this.#foreign.delete(error)) throw error
        failure = failureOf(error)
        if (failure.status === undefined && !isOfTheWay(error)) throw error
      }
      const { retryAfterMs = 0 } = failure
      if (tried === attempts || !isTransient(failure) || retryAfterMs > longestRetryAfterMs) {
        // The SDK sets its own clock right by the answer; the machine's would stay wrong, and nobody would know.
        if (failure.code === 'RequestTimeTooSkewed') this.client.config.systemClockOffset = 0
        throw new ServiceFailure(failure, unsure)
      }
      unsure ||= failure.status === undefined || failure.status >= 500
      const backoffMs = Math.min(lastBackoffMs, firstBackoffMs * 2 ** (tried - 1)) * (0.5 + random() / 2)
      await sleep(Math.max(retryAfterMs, backoffMs), { signal })
    }
  }

  /** Runs a call; what the service fails with becomes a StorageError. */
  async translate<T>(call: string, key: string | undefined, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw error instanceof ServiceFailure ? this.errorOf(error.failure, call, key) : error
    }
  }

  errorOf(failure: Failure, call: string, key: string | undefined): StorageError {
    const { bucket, endpoint, region, checksums } = this.options
    const place = endpoint === 'of-region' ? `AWS ${region}` : `${endpoint}`
    return toStorageError(
      failure,
      { call, bucket, endpoint: place, key, crc32: checksums === 'crc32' },
      (text) => this.#redact(text),
    )
  }

  #redact(text: string): string {
    let clean = text
    for (const secret of this.#secrets) clean = clean.replaceAll(secret, '(not shown)')
    return clean
  }
}

/** Whether an error without an answer is one of the network, and not one of a function that was called. */
function isOfTheWay(error: unknown): boolean {
  return (
    error instanceof Error &&
    ('$metadata' in error ||
      'code' in error ||
      ['NoAnswer', 'WrongLength', 'WrongAnswer'].includes(error.name))
  )
}

/** The signer takes the digest of the body from this header, where it is, and does not hash the body again. */
function signBody<Input extends ServiceInputTypes, Output extends ServiceOutputTypes>(
  command: Command<Input, Output>,
  sha256: string,
): void {
  command.middlewareStack.add(
    (next) => async (args) => {
      const request = args.request as { headers: Record<string, string> }
      request.headers['x-amz-content-sha256'] = sha256
      return await next(args)
    },
    { step: 'build', name: 'signBody', override: true },
  )
}
