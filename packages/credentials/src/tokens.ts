/** The tokens of a home. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { join, resolve } from 'node:path'
import { CredentialsError } from './errors.ts'
import { prepareFolder } from './private-file.ts'
import { createToken, readToken } from './token-file.ts'

/** What a token allows: `read` content and state, `write` content and pins, `admin` the node itself. */
export type Scope = 'read' | 'write' | 'admin'

/** Options of {@link openTokens}. */
export interface TokensOptions {
  /** The folder of the tokens, `<home>/tokens`. It is made (mode 0700) if it is missing; the folder above has to exist. */
  readonly path: string
}

/** A presented token that is right. */
export interface VerifiedToken {
  readonly id: 'default'
  readonly scopes: readonly Scope[]
}

/** The tokens of a home. It holds a digest only: no token can come out of it. */
export interface Tokens {
  /** Absolute path of the file with the token, for programs of the same user. */
  readonly tokenFile: string
  /**
   * Looks whether a presented text is a token, in a time that does not depend on how much of it is right.
   *
   * @returns which one and what it allows, or undefined
   */
  verify(presented: string): VerifiedToken | undefined
}

/** Longer texts are no tokens, and not worth the digest. */
const maxPresentedLength = 1024

const owner: VerifiedToken = Object.freeze({
  id: 'default',
  scopes: Object.freeze(['read', 'write', 'admin'] as const),
})

/**
 * Opens the tokens of a home, and makes the token at the first start: 32 random bytes, in the file `default` (mode 0600).
 * Processes that do this at once agree on one token.
 *
 * @throws TypeError for an unknown option or a path that is empty
 * @throws CredentialsError `CREDENTIALS_UNSAFE_FILE`, `CREDENTIALS_UNREADABLE`, `CREDENTIALS_UNWRITABLE`
 */
export async function openTokens(options: TokensOptions): Promise<Tokens> {
  const unknown = Object.keys(options ?? {}).find((key) => key !== 'path')
  if (unknown !== undefined) throw new TypeError(`openTokens has no option ${unknown}; it has path`)
  if (typeof options?.path !== 'string' || options.path === '') {
    throw new TypeError('openTokens needs path, the folder of the tokens')
  }
  const folder = resolve(options.path)
  const tokenFile = join(folder, 'default')
  await prepareFolder(folder)
  let token = await readToken(tokenFile)
  if (token === undefined) {
    await createToken(tokenFile)
    token = await readToken(tokenFile)
  }
  if (token === undefined) {
    throw new CredentialsError('CREDENTIALS_UNREADABLE', `${tokenFile} was removed while it was being opened`)
  }
  const digest = digestOf(token)
  return {
    tokenFile,
    verify(presented) {
      if (typeof presented !== 'string' || presented.length > maxPresentedLength) return undefined
      return timingSafeEqual(digestOf(presented), digest) ? owner : undefined
    },
  }
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
