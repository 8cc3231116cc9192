/** What an S3 service, or the way to it, fails with: whether another attempt may help, and which error it is for callers. */
import { StorageError, type StorageErrorCode } from '@ipfs-kit/storage'

/** What is known of a failure. */
export interface Failure {
  /** The code of the service, for example `SlowDown`, or of the system, for example `ECONNRESET`. */
  readonly code: string
  /** The HTTP status; `undefined` if there was no answer. */
  readonly status: number | undefined
  readonly message: string
  readonly requestId: string | undefined
  /** How long the service asks to wait. */
  readonly retryAfterMs: number | undefined
}

/** No answer in time. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
}

/** An answer with fewer bytes than it promised, or more. */
export class WrongLength extends Error {
  override readonly name = 'WrongLength'
}

/** An answer that does not fit the question: a range that was not asked for, or no length. */
export class WrongAnswer extends Error {
  override readonly name = 'WrongAnswer'
}

const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'TimeoutError',
  'NoAnswer',
])
const tlsCodes = /^(CERT_|ERR_TLS_|ERR_SSL_|EPROTO$|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH$)/
const busyCodes = new Set([
  'SlowDown',
  'Throttling',
  'ThrottlingException',
  'TooManyRequests',
  'RequestLimitExceeded',
])
const brokenOnTheWay = new Set([
  'BadDigest',
  'XAmzContentSHA256Mismatch',
  'IncompleteBody',
  'RequestTimeout',
  'WrongLength',
])
const denied = new Set([
  'AccessDenied',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'ExpiredToken',
  'InvalidToken',
  'Unauthorized',
])
const full = new Set([
  'QuotaExceeded',
  'EntityTooLarge',
  'TooManyBuckets',
  'InsufficientCapacity',
  'StorageFull',
])
const conflicts = new Set(['ConditionalRequestConflict', 'OperationAborted'])

/** Reads what the SDK, Node or this package threw. */
export function failureOf(thrown: unknown): Failure {
  const error = thrown as Error & {
    code?: unknown
    $metadata?: { httpStatusCode?: number; requestId?: string }
    $response?: { statusCode?: number; headers?: Record<string, string> }
  }
  const status = error.$metadata?.httpStatusCode ?? error.$response?.statusCode
  const code = status === undefined && typeof error.code === 'string' ? error.code : error.name
  const seconds = Number(error.$response?.headers?.['retry-after'])
  return {
    code,
    status,
    message: error.message === 'UnknownError' ? '' : error.message,
    requestId: error.$metadata?.requestId,
    retryAfterMs: Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined,
  }
}

/** Whether the same request may succeed when it is sent again. */
export function isTransient({ code, status }: Failure): boolean {
  if (status === undefined) return networkCodes.has(code) || brokenOnTheWay.has(code)
  return (
    [408, 429, 500, 502, 503, 504].includes(status) ||
    busyCodes.has(code) ||
    brokenOnTheWay.has(code) ||
    conflicts.has(code)
  )
}

/** What was asked, for the message. */
export interface Asked {
  /** For example `GetObject`. */
  readonly call: string
  readonly bucket: string
  readonly endpoint: string
  readonly key?: string | undefined
  /** Whether the request had a CRC32, which some services do not know. */
  readonly crc32: boolean
}

/** The error for callers. Its cause holds what the service said, and nothing of the request. */
export function toStorageError(
  failure: Failure,
  asked: Asked,
  redact: (text: string) => string,
): StorageError {
  const { code, remedy } = meaningOf(failure, asked)
  const at =
    asked.key === undefined
      ? `in ${JSON.stringify(asked.bucket)}`
      : `of ${JSON.stringify(asked.key)} in ${JSON.stringify(asked.bucket)}`
  const answer = failure.status === undefined ? failure.code : `${failure.status} ${failure.code}`
  const said = redact([answer, failure.message].filter((text) => text !== '').join(': '))
  const cause = Object.assign(new Error(said), { status: failure.status, requestId: failure.requestId })
  const message = `${asked.call} ${at} at ${asked.endpoint} failed with ${said}. ${remedy}`
  return new StorageError(code, message, { cause, retryAfterMs: failure.retryAfterMs })
}

function meaningOf(
  { code, status, message }: Failure,
  asked: Asked,
): { code: StorageErrorCode; remedy: string } {
  const aboutChecksum = /checksum/i.test(message)
  if (asked.crc32 && (aboutChecksum || status === 401 || status === 501)) {
    const remedy =
      'The service may not know the CRC32 of the request, also where it speaks of authorization: set checksums to signature.'
    return { code: status === 401 && !aboutChecksum ? 'STORAGE_DENIED' : 'STORAGE_NOT_SUPPORTED', remedy }
  }
  if (code === 'RequestTimeTooSkewed')
    return {
      code: 'STORAGE_CLOCK_SKEW',
      remedy: 'Set the clock of this machine; trying again does not help.',
    }
  if (code === 'NoSuchBucket')
    return { code: 'STORAGE_NO_CONTAINER', remedy: 'Create the bucket, or correct its name or the endpoint.' }
  if (code === 'ExpiredToken')
    return { code: 'STORAGE_DENIED', remedy: 'Get new credentials: these have expired.' }
  if (code === 'InvalidObjectState')
    return { code: 'STORAGE_FAILED', remedy: 'The object is archived: have the service restore it first.' }
  if (code === 'WrongLength' || code === 'WrongAnswer')
    return {
      code: 'STORAGE_CORRUPT',
      remedy: 'Read it again; if it comes again, do not trust what is between here and the service.',
    }
  if (full.has(code) || status === 507)
    return { code: 'STORAGE_FULL', remedy: 'Delete something, or raise the limit of the account.' }
  if (busyCodes.has(code) || status === 429)
    return { code: 'STORAGE_THROTTLED', remedy: 'Try again later, with fewer requests at once.' }
  if (denied.has(code) || status === 401 || status === 403)
    return {
      code: 'STORAGE_DENIED',
      remedy: 'Check the access key, and what it may do in this bucket; trying again does not help.',
    }
  if (status === 501) return { code: 'STORAGE_NOT_SUPPORTED', remedy: 'The service does not do this.' }
  if (tlsCodes.test(code))
    return {
      code: 'STORAGE_FAILED',
      remedy:
        'Check that the endpoint speaks TLS, and that its certificate is trusted (NODE_EXTRA_CA_CERTS); trying again does not help.',
    }
  if (isTransient({ code, status, message, requestId: undefined, retryAfterMs: undefined }))
    return { code: 'STORAGE_UNAVAILABLE', remedy: 'Try again later.' }
  return { code: 'STORAGE_FAILED', remedy: 'Look at what the service says; trying again will hardly help.' }
}
