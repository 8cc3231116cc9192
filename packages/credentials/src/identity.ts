/** The age identity that `credentials.age` is encrypted for. */
import { CredentialsError } from './errors.ts'
import { readPrivate, replacePrivate } from './private-file.ts'

/** As `age-keygen` writes it: comments, and one line with the identity. */
const maxFileBytes = 16_384
/** X25519, or the post-quantum hybrid of X25519 and ML-KEM-768. */
const identityPattern = /^AGE-SECRET-KEY-(?:1|PQ-1)[0-9A-Z]+$/

/**
 * Reads the identity in a key file.
 *
 * @returns it, or undefined if there is no such file
 * @throws CredentialsError `CREDENTIALS_KEY_WRONG`, and those of private files
 */
export async function readKeyFile(file: string): Promise<string | undefined> {
  const bytes = await readPrivate(file, maxFileBytes)
  return bytes === undefined ? undefined : identityIn(bytes.toString('utf8'), file)
}

/**
 * Makes an identity and its file. For the holder of the lock alone.
 *
 * @throws CredentialsError `CREDENTIALS_UNWRITABLE`
 */
export async function createKeyFile(file: string): Promise<string> {
  const { generateX25519Identity, identityToRecipient } = await import('age-encryption')
  const identity = await generateX25519Identity()
  const recipient = await identityToRecipient(identity)
  await replacePrivate(file, `# public key: ${recipient}\n${identity}\n`)
  return identity
}

/**
 * Takes the identity out of the text of a key file.
 *
 * @param place - where the text is from, for the error
 * @throws CredentialsError `CREDENTIALS_KEY_WRONG`
 */
export function identityIn(text: string, place: string): string {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '' && !line.startsWith('#'))
  const [identity = ''] = lines
  if (lines.length === 1 && identityPattern.test(identity)) return identity
  throw new CredentialsError('CREDENTIALS_KEY_WRONG', `${place} does not hold one age identity`)
}
