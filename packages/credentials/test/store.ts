/** A store of secrets in a home of its own, with values that are found again wherever they turn up. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createCredentials, type CredentialsOptions, type SecretFields } from '@ipfs-kit/credentials'
import { Decrypter } from 'age-encryption'
import { expect } from 'vitest'
import { temporaryFolder } from './folder.ts'

export const s3 = {
  accessKeyId: 'AKIAPLANTED7XQ',
  secretAccessKey: 'planted/Secret+Key/9vK2',
  sessionToken: 'planted-session-token-4Tz8',
} satisfies SecretFields['s3']

export const huggingface = { token: 'hf_plantedTokenW3rJ' } satisfies SecretFields['huggingface']

/** Texts that are nowhere but in the encrypted file and behind `reveal`. */
export const planted = [...Object.values(s3), ...Object.values(huggingface)]

export async function opened(options: Partial<CredentialsOptions> = {}) {
  const path = options.path ?? (await temporaryFolder())
  const credentials = createCredentials({ ...options, path })
  return { path, credentials, file: join(path, 'credentials.age'), keyFile: join(path, 'credentials.key') }
}

/** What the encrypted file holds, read by age and the key alone. */
export async function decrypted(path: string): Promise<string> {
  const key = await readFile(join(path, 'credentials.key'), 'utf8')
  const decrypter = new Decrypter()
  decrypter.addIdentity(key.split('\n').find((line) => line.startsWith('AGE-SECRET-KEY-1')) ?? '')
  return decrypter.decrypt(await readFile(join(path, 'credentials.age')), 'text')
}

/** An error of this package with a code. */
export function coded(code: string): unknown {
  return expect.objectContaining({
    name: 'CredentialsError',
    code,
    kind: expect.any(String),
    next: expect.any(String),
  })
}
