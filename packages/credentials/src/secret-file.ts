/** The file of the secrets: JSON, encrypted with age (age-encryption.org/v1). */
import { z } from 'zod'
import { CredentialsError } from './errors.ts'
import { readPrivate, replacePrivate } from './private-file.ts'
import { services, type Service } from './services.ts'

/** Secrets that a file can hold. */
export const maxSecrets = 1000
const maxFileBytes = 4_194_304
/** Header, nonce and tags of age for one recipient are less than this. */
const maxOverheadBytes = 16_384

/** Milliseconds since 1970. */
const time = z.int().min(0)
const storedSchema = z.strictObject({
  name: z.string(),
  service: z.enum(services),
  fields: z.record(z.string(), z.string()),
  createdAt: time,
  rotatedAt: time.optional(),
  expiresAt: time.optional(),
})
const contentSchema = z.strictObject({
  version: z.literal(1),
  secrets: z.array(storedSchema).max(maxSecrets),
})

/** A secret as it is stored. */
export interface StoredSecret {
  readonly name: string
  readonly service: Service
  readonly fields: Readonly<Record<string, string>>
  readonly createdAt: number
  readonly rotatedAt?: number | undefined
  readonly expiresAt?: number | undefined
}

/** What is encrypted in a file, or undefined if there is none. @throws CredentialsError those of private files */
export function readSecretFile(file: string): Promise<Buffer | undefined> {
  return readPrivate(file, maxFileBytes)
}

/**
 * Decrypts what a file holds.
 *
 * @param file - its path, for errors
 * @throws CredentialsError `CREDENTIALS_DAMAGED`, `CREDENTIALS_TOO_NEW`, `CREDENTIALS_KEY_WRONG`
 */
export async function decryptSecrets(
  file: string,
  bytes: Buffer,
  identity: string,
): Promise<readonly StoredSecret[]> {
  if (bytes.length > maxFileBytes) throw damaged(file, `has more than ${maxFileBytes} bytes`)
  // Loaded when there are secrets: most starts read a token and nothing else.
  const { Decrypter } = await import('age-encryption')
  const decrypter = new Decrypter()
  try {
    decrypter.addIdentity(identity)
  } catch {
    throw new CredentialsError(
      'CREDENTIALS_KEY_WRONG',
      `The identity of ${file} is none, or has a typing error`,
    )
  }
  let text: string
  try {
    text = await decrypter.decrypt(bytes, 'text')
  } catch (error) {
    // The library has no codes: this is what it says when no recipient of a good header is ours.
    if (error instanceof Error && error.message.startsWith('no identity matched')) {
      throw new CredentialsError(
        'CREDENTIALS_KEY_WRONG',
        `${file} is encrypted for another identity, or its header is damaged`,
      )
    }
    throw damaged(file, 'is not an age file as it was written')
  }
  return parseContent(file, text)
}

/**
 * Encrypts secrets and puts them in the place of the file. For the holder of the lock alone.
 *
 * @throws CredentialsError `CREDENTIALS_FULL`, `CREDENTIALS_UNWRITABLE`, `CREDENTIALS_KEY_WRONG`
 */
export async function replaceSecrets(
  file: string,
  secrets: readonly StoredSecret[],
  identity: string,
): Promise<void> {
  const text = JSON.stringify({ version: 1, secrets })
  if (secrets.length > maxSecrets || Buffer.byteLength(text) > maxFileBytes - maxOverheadBytes) {
    throw new CredentialsError(
      'CREDENTIALS_FULL',
      `${file} would hold more than ${maxSecrets} secrets or ${maxFileBytes} bytes`,
    )
  }
  const { Encrypter, identityToRecipient } = await import('age-encryption')
  const encrypter = new Encrypter()
  let recipient: string
  try {
    recipient = await identityToRecipient(identity)
  } catch {
    throw new CredentialsError(
      'CREDENTIALS_KEY_WRONG',
      `The identity of ${file} is none, or has a typing error`,
    )
  }
  encrypter.addRecipient(recipient)
  await replacePrivate(file, await encrypter.encrypt(text))
}

function parseContent(file: string, text: string): readonly StoredSecret[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The error of the parser shows some of the text.
    throw damaged(file, 'holds no JSON')
  }
  const parsed = contentSchema.safeParse(value)
  if (parsed.success) return parsed.data.secrets
  const version =
    typeof value === 'object' && value !== null && 'version' in value ? value.version : undefined
  if (typeof version === 'number' && version > 1) {
    throw new CredentialsError('CREDENTIALS_TOO_NEW', `${file} has version ${version}; this one knows 1`)
  }
  throw damaged(file, 'does not hold secrets')
}

function damaged(file: string, what: string): CredentialsError {
  return new CredentialsError('CREDENTIALS_DAMAGED', `${file} ${what}`)
}
