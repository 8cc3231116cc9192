/** What a backend is made with, and the checks of it. */
import { s3Profiles, type S3Profile, type S3ProfileName } from './profiles.ts'

/** An access key. */
export interface S3Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Of keys that expire. */
  readonly sessionToken?: string
  /** Until when they hold; they are asked for again before. Default: for ever. */
  readonly expiration?: Date
}

/** How objects are encrypted where they are kept; only with `customer` the service does not hold the key. */
export type S3Encryption =
  /** SSE-S3: keys of the service. */
  | { readonly kind: 's3' }
  /** SSE-KMS: a key of its key service. Default: the one of the account. */
  | { readonly kind: 'kms'; readonly keyId?: string }
  /** SSE-C: 32 bytes that go with each request. Who loses them loses the objects. */
  | { readonly kind: 'customer'; readonly key: Uint8Array }

/** Options of {@link createS3Backend}. */
export interface S3BackendOptions extends Partial<S3Profile> {
  /** The bucket. It has to be there. */
  readonly bucket: string
  /** Which service it is, for what is not given here. Default `aws`. */
  readonly profile?: S3ProfileName
  /** The access key, or a function that is asked for it when it is needed. */
  readonly credentials: S3Credentials | (() => Promise<S3Credentials>)
  /** How people call it. Default `s3:<bucket>`. */
  readonly name?: string
  /** What fails together. Default: host of the endpoint, or `aws:<region>`. */
  readonly failureDomain?: string
  /** Bytes of a part of an upload and of a range of a download, 5 MiB to 1 GiB. Default 8 MiB. */
  readonly partBytes?: number
  /** Parts of one upload, or ranges of one download, that are under way at once, 1 to 64. Default 8. */
  readonly concurrency?: number
  /** How often a request is tried in all, 1 to 20. Default 5. */
  readonly attempts?: number
  /** How long one attempt of one request may take, in milliseconds, 1 to 3,600,000. Default 60,000. */
  readonly timeoutMs?: number
  readonly encryption?: S3Encryption
  /** Storage class of what is put, for example `STANDARD_IA`. Default: that of the bucket. */
  readonly storageClass?: string
}

/** Options that are checked, with their defaults. */
export interface CheckedOptions extends S3Profile {
  readonly region: string
  readonly bucket: string
  readonly credentials: () => Promise<S3Credentials>
  readonly name: string
  readonly failureDomain: string
  readonly partBytes: number
  readonly concurrency: number
  readonly attempts: number
  readonly timeoutMs: number
  readonly encryption: S3Encryption | undefined
  readonly storageClass: string | undefined
}

const mebi = 1024 * 1024
const limits = {
  partBytes: [5 * mebi, 1024 * mebi],
  concurrency: [1, 64],
  attempts: [1, 20],
  timeoutMs: [1, 3_600_000],
} as const
const profileKeys = Object.keys(s3Profiles.aws)
const texts = ['bucket', 'region', 'endpoint', 'name', 'failureDomain', 'storageClass']
const known = [...profileKeys, ...texts, ...Object.keys(limits), 'profile', 'credentials', 'encryption']

/** @throws TypeError, RangeError as {@link createS3Backend} says */
export function checkOptions(options: S3BackendOptions): CheckedOptions {
  const unknown = Object.keys(options ?? {}).find((key) => !known.includes(key))
  if (unknown !== undefined)
    throw new TypeError(`An S3 backend has no option ${unknown}; it has ${[...new Set(known)].join(', ')}`)
  const { profile: profileName = 'aws', bucket, credentials, encryption, storageClass } = options ?? {}
  if (!Object.hasOwn(s3Profiles, profileName)) {
    throw new TypeError(
      `profile is one of ${Object.keys(s3Profiles).join(', ')}, not ${JSON.stringify(profileName)}`,
    )
  }
  const given = Object.fromEntries(
    Object.entries(options).filter(([key, value]) => profileKeys.includes(key) && value !== undefined),
  )
  const profile: S3Profile = { ...s3Profiles[profileName], ...given }
  for (const [key, value] of Object.entries({ bucket, storageClass, ...profile })) {
    if (texts.includes(key) && value !== undefined && (typeof value !== 'string' || value === '')) {
      throw new TypeError(`${key} is a text that is not empty`)
    }
  }
  if (bucket === undefined) throw new TypeError('An S3 backend needs bucket, the name of a bucket')
  const { region, endpoint } = profile
  if (region === undefined)
    throw new TypeError(`The profile ${profileName} needs region, which names a place of the service`)
  if (endpoint === undefined)
    throw new TypeError(`The profile ${profileName} needs endpoint, the URL of the service`)
  if (!['signature', 'crc32'].includes(profile.checksums))
    throw new TypeError('checksums is signature or crc32')
  const numbers = {
    partBytes: 8 * mebi,
    concurrency: 8,
    attempts: 5,
    timeoutMs: 60_000,
    ...pickNumbers(options),
  }
  const domain = endpoint === 'of-region' ? `aws:${region}` : hostOf(endpoint)
  const { name = `s3:${bucket}`, failureDomain = domain } = options
  for (const [key, value] of Object.entries({ name, failureDomain })) {
    if (typeof value !== 'string' || value === '') throw new TypeError(`${key} is a text that is not empty`)
  }
  checkEncryption(encryption)
  return {
    ...profile,
    ...numbers,
    region,
    bucket,
    credentials: checkedCredentials(credentials),
    name,
    failureDomain,
    encryption,
    storageClass,
  }
}

function pickNumbers(options: S3BackendOptions): Partial<Record<keyof typeof limits, number>> {
  const numbers: Partial<Record<keyof typeof limits, number>> = {}
  for (const [key, [least, most]] of Object.entries(limits) as [
    keyof typeof limits,
    readonly [number, number],
  ][]) {
    const value = options[key]
    if (value === undefined) continue
    if (!Number.isSafeInteger(value) || value < least || value > most) {
      throw new RangeError(`${key} is a whole number from ${least} to ${most}, not ${value}`)
    }
    numbers[key] = value
  }
  return numbers
}

/** A URL may have a password in it, so it is not repeated. */
function hostOf(endpoint: string): string {
  const url = URL.parse(endpoint)
  if (url === null || !['http:', 'https:'].includes(url.protocol) || url.username !== '') {
    throw new TypeError('endpoint is a URL like https://s3.example.org, without a user')
  }
  return url.host
}

function checkedCredentials(given: S3BackendOptions['credentials']): () => Promise<S3Credentials> {
  if (typeof given === 'function') return given
  for (const key of ['accessKeyId', 'secretAccessKey'] as const) {
    if (typeof given?.[key] !== 'string' || given[key] === '')
      throw new TypeError(`credentials.${key} is a text that is not empty`)
  }
  return async () => given
}

function checkEncryption(encryption: S3Encryption | undefined): void {
  if (encryption === undefined) return
  if (!['s3', 'kms', 'customer'].includes(encryption.kind))
    throw new TypeError('encryption.kind is s3, kms or customer')
  if (
    encryption.kind === 'customer' &&
    !(encryption.key instanceof Uint8Array && encryption.key.byteLength === 32)
  ) {
    throw new TypeError('encryption.key is a Uint8Array of 32 bytes')
  }
}
