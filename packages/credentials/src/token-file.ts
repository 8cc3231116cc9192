/** The token file: one line that only its owner can read. */
import { randomBytes } from 'node:crypto'
import { createPrivate, readPrivate, unsafe } from './private-file.ts'

const tokenPattern = /^ipfskit_[A-Za-z0-9_-]{43}$/
/** A token and its line end; more than this is not read. */
const maxFileBytes = 'ipfskit_'.length + 43 + 1

/**
 * Reads the token in a file.
 *
 * @param file - path of the token file, `<home>/tokens/default`
 * @returns the token, or undefined if there is no such file
 * @throws CredentialsError `CREDENTIALS_UNSAFE_FILE` if the file is a link, no regular file, not ours, open to others, or
 *   holds anything but one token; `CREDENTIALS_UNREADABLE` if the system refuses
 */
export async function readToken(file: string): Promise<string | undefined> {
  const bytes = await readPrivate(file, maxFileBytes)
  if (bytes === undefined) return undefined
  const text = bytes.toString('latin1')
  const token = text.endsWith('\n') ? text.slice(0, -1) : text
  if (tokenPattern.test(token)) return token
  throw unsafe(
    file,
    bytes.length === 0 ? 'is empty' : 'does not hold a token',
    'remove it, and the next start makes one',
  )
}

/**
 * Makes a token and its file, unless another process is first: then that one's token stays.
 *
 * @throws CredentialsError `CREDENTIALS_UNWRITABLE`
 */
export async function createToken(file: string): Promise<void> {
  await createPrivate(file, `${newToken()}\n`)
}

/** A token that nobody can guess: 32 random bytes. */
export function newToken(): string {
  return `ipfskit_${randomBytes(32).toString('base64url')}`
}
