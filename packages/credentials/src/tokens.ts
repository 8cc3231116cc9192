/** The tokens of a home. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { join, resolve } from 'node:path'
import { type Scope, scopes as allScopes } from '@ipfs-kit/operations'
import { withChangeLock } from './change-lock.ts'
import { CredentialsError } from './errors.ts'
import { issuedFile, type IssuedFile, type IssuedToken, maxTokens } from './issued-file.ts'
import { prepareFolder } from './private-file.ts'
import { checkName } from './reference.ts'
import { createToken, newToken, readToken } from './token-file.ts'

/** Options of {@link openTokens}. */
export interface TokensOptions {
  /** The folder of the tokens, `<home>/tokens`. It is made (mode 0700) if it is missing; the folder above has to exist. */
  readonly path: string
  /** Tells the time in milliseconds since 1970. Default: `Date.now`. */
  readonly clock?: (() => number) | undefined
}

/** A presented token that is right. */
export interface VerifiedToken {
  /** Name of the token: `default`, or the one that it was made with. */
  readonly id: string
  readonly scopes: readonly Scope[]
}

/** A token that is to be made. */
export interface NewTokenOptions {
  /** 1 to 64 of a-z, 0-9 and `. _ -`, with a letter or digit at both ends; not `default`. */
  readonly name: string
  /** What it allows: one scope or more. */
  readonly scopes: readonly Scope[]
  /** When it expires, in milliseconds since 1970, at most 3,650 days from now. Default: in 90 days. */
  readonly expiresAt?: number | undefined
  /** Ends the waiting for other changes; its reason passes through untouched. */
  readonly signal?: AbortSignal | undefined
}

/** What may be said about a token. Times are milliseconds since 1970. */
export interface TokenSummary {
  readonly name: string
  readonly scopes: readonly Scope[]
  readonly createdAt: number
  readonly expiresAt: number
  readonly revokedAt?: number | undefined
}

/** The tokens of a home. It holds digests only: no token can come out of it, but the one that is made. */
export interface Tokens {
  /** Absolute path of the file with the token `default`, for programs of the same user. It has all scopes and no end. */
  readonly tokenFile: string
  /**
   * Looks whether a presented text is a token, in a time that does not depend on how much of it is right. What another process
   * has made or revoked counts at once.
   *
   * @returns which one and what it allows, or undefined
   * @throws CredentialsError `CREDENTIALS_TOKEN_EXPIRED`, `CREDENTIALS_TOKEN_REVOKED`; `CREDENTIALS_DAMAGED`,
   *   `CREDENTIALS_TOO_NEW`, `CREDENTIALS_UNSAFE_FILE`, `CREDENTIALS_UNREADABLE` if it is not `default` and the file of the others
   *   cannot be used
   */
  verify(presented: string): VerifiedToken | undefined
  /**
   * Makes a token for somebody else. It is in the answer, and nowhere again.
   *
   * @throws CredentialsError `CREDENTIALS_INVALID`, `CREDENTIALS_EXISTS`, `CREDENTIALS_FULL`, `CREDENTIALS_BUSY`,
   *   `CREDENTIALS_UNWRITABLE`, and those of the file
   */
  create(options: NewTokenOptions): Promise<TokenSummary & { readonly token: string }>
  /** Lists the tokens that were made with `create`, by name; also those that expired or were revoked. @throws as the file */
  list(): readonly TokenSummary[]
  /** Revokes a token, now and for ever. @returns whether there was one that was not revoked. @throws as `create` */
  revoke(name: string, options?: { readonly signal?: AbortSignal | undefined }): Promise<boolean>
}

/** Longer texts are no tokens, and not worth the digest. */
const maxPresentedLength = 1024
const dayMs = 86_400_000
const defaultDays = 90
const maxDays = 3650

const owner: VerifiedToken = Object.freeze({ id: 'default', scopes: Object.freeze([...allScopes]) })

/**
 * Opens the tokens of a home, and makes the token `default` at the first start: 32 random bytes, in the file `default` (mode
 * 0600). Processes that do this at once agree on one token.
 *
 * @throws TypeError for an unknown option or a path that is empty
 * @throws CredentialsError `CREDENTIALS_UNSAFE_FILE`, `CREDENTIALS_UNREADABLE`, `CREDENTIALS_UNWRITABLE`
 */
export async function openTokens(options: TokensOptions): Promise<Tokens> {
  const unknown = Object.keys(options ?? {}).find((key) => key !== 'path' && key !== 'clock')
  if (unknown !== undefined) throw new TypeError(`openTokens has no option ${unknown}; it has path, clock`)
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
  return new FileTokens(folder, tokenFile, digestOf(token), options.clock ?? Date.now)
}

class FileTokens implements Tokens {
  readonly tokenFile: string
  readonly #lockFile: string
  readonly #issued: IssuedFile
  readonly #digest: Buffer
  readonly #clock: () => number

  constructor(folder: string, tokenFile: string, digest: Buffer, clock: () => number) {
    this.tokenFile = tokenFile
    this.#lockFile = join(folder, 'issued.lock')
    this.#issued = issuedFile(join(folder, 'issued.json'))
    this.#digest = digest
    this.#clock = clock
  }

  verify(presented: string): VerifiedToken | undefined {
    if (typeof presented !== 'string' || presented.length > maxPresentedLength) return undefined
    const digest = digestOf(presented)
    if (timingSafeEqual(digest, this.#digest)) return owner
    const found = this.#issued.find(digest)
    if (found === undefined) return undefined
    const { name, scopes, expiresAt, revokedAt } = found
    if (revokedAt !== undefined) {
      throw new CredentialsError(
        'CREDENTIALS_TOKEN_REVOKED',
        `The token ${name} was revoked at ${isoOf(revokedAt)}`,
      )
    }
    if (expiresAt <= this.#clock()) {
      throw new CredentialsError(
        'CREDENTIALS_TOKEN_EXPIRED',
        `The token ${name} expired at ${isoOf(expiresAt)}`,
      )
    }
    return Object.freeze({ id: name, scopes: Object.freeze([...scopes]) })
  }

  async create(options: NewTokenOptions): Promise<TokenSummary & { readonly token: string }> {
    const createdAt = this.#clock()
    const { name, scopes, expiresAt } = checkNew(options, createdAt)
    const token = newToken()
    const made: IssuedToken = {
      name,
      digest: digestOf(token).toString('hex'),
      scopes: [...scopes],
      createdAt,
      expiresAt,
    }
    return await withChangeLock(this.#lockFile, options, async () => {
      const all = this.#issued.read()
      const same = all.find((one) => one.name === name)
      if (same !== undefined && isValid(same, createdAt)) {
        throw new CredentialsError('CREDENTIALS_EXISTS', `There is a valid token ${name} already`)
      }
      const others = all.filter((one) => one !== same)
      await this.#issued.replace([...withRoom(others, createdAt), made])
      return Object.freeze({ ...summaryOf(made), token })
    })
  }

  list(): readonly TokenSummary[] {
    return this.#issued
      .read()
      .map(summaryOf)
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
  }

  async revoke(name: string, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<boolean> {
    if (checkName(name) === owner.id) {
      throw new CredentialsError(
        'CREDENTIALS_INVALID',
        `The token ${name} is not revoked: remove ${this.tokenFile} while nothing runs, and the next start makes another`,
      )
    }
    return await withChangeLock(this.#lockFile, options, async () => {
      const all = this.#issued.read()
      const found = all.find((one) => one.name === name)
      if (found === undefined || found.revokedAt !== undefined) return false
      const revoked = { ...found, revokedAt: this.#clock() }
      await this.#issued.replace(all.map((one) => (one === found ? revoked : one)))
      return true
    })
  }
}

function checkNew(
  { name, scopes, expiresAt }: NewTokenOptions,
  time: number,
): Required<Pick<NewTokenOptions, 'name' | 'scopes'>> & { readonly expiresAt: number } {
  if (checkName(name) === owner.id) {
    throw new CredentialsError('CREDENTIALS_EXISTS', `The token ${name} is that of the home`)
  }
  const areScopes = Array.isArray(scopes) && scopes.every((one) => allScopes.includes(one))
  if (!areScopes || scopes.length === 0) {
    throw new CredentialsError(
      'CREDENTIALS_INVALID',
      `A token has one or more of the scopes ${allScopes.join(', ')}`,
    )
  }
  const end = expiresAt ?? time + defaultDays * dayMs
  if (!Number.isSafeInteger(end) || end <= time || end > time + maxDays * dayMs) {
    throw new CredentialsError(
      'CREDENTIALS_INVALID',
      `expiresAt is ${String(expiresAt)}, not a time in the next ${maxDays} days in milliseconds since 1970`,
    )
  }
  return { name, scopes: allScopes.filter((one) => scopes.includes(one)), expiresAt: end }
}

/** All, or without those that ended longest ago, so that another can be added. @throws CredentialsError `CREDENTIALS_FULL` */
function withRoom(tokens: readonly IssuedToken[], time: number): readonly IssuedToken[] {
  if (tokens.length < maxTokens) return tokens
  const ended = tokens.filter((one) => !isValid(one, time)).toSorted((a, b) => endOf(a) - endOf(b))
  const [oldest] = ended
  if (oldest !== undefined) return tokens.filter((one) => one !== oldest)
  throw new CredentialsError('CREDENTIALS_FULL', `There are ${maxTokens} valid tokens`)
}

function isValid({ revokedAt, expiresAt }: IssuedToken, time: number): boolean {
  return revokedAt === undefined && expiresAt > time
}

function endOf({ revokedAt, expiresAt }: IssuedToken): number {
  return Math.min(revokedAt ?? expiresAt, expiresAt)
}

function summaryOf({ name, scopes, createdAt, expiresAt, revokedAt }: IssuedToken): TokenSummary {
  return Object.freeze({
    name,
    scopes: Object.freeze([...scopes]),
    createdAt,
    expiresAt,
    ...(revokedAt === undefined ? {} : { revokedAt }),
  })
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

function isoOf(time: number): string {
  return new Date(time).toISOString()
}
