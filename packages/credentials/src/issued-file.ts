/** The file of the tokens that were made for others: their digests, and what they allow. */
import { timingSafeEqual } from 'node:crypto'
import { type BigIntStats, statSync } from 'node:fs'
import { scopes } from '@ipfs-kit/operations'
import { z } from 'zod'
import { CredentialsError } from './errors.ts'
import { readPrivateNow, replacePrivate, unreadable } from './private-file.ts'

/** Tokens that a file can hold, with those that have expired or were revoked. */
export const maxTokens = 1000
const maxFileBytes = 1_048_576

/** Milliseconds since 1970. */
const time = z.int().min(0)
const issuedSchema = z.strictObject({
  name: z.string(),
  /** SHA-256 of the token, hexadecimal. A token is 32 random bytes: its digest leads nobody to it. */
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  scopes: z.array(z.enum(scopes)),
  createdAt: time,
  expiresAt: time,
  revokedAt: time.optional(),
})
const contentSchema = z.strictObject({ version: z.literal(1), tokens: z.array(issuedSchema).max(maxTokens) })

/** A token as it is stored. */
export type IssuedToken = Readonly<z.output<typeof issuedSchema>>

/** Reads a file again when it has changed. */
export interface IssuedFile {
  /** What it holds now. @throws CredentialsError `CREDENTIALS_DAMAGED`, `CREDENTIALS_TOO_NEW`, and those of private files */
  read(): readonly IssuedToken[]
  /** The token with a digest, in a time that does not depend on which it is. @throws as `read` */
  find(digest: Buffer): IssuedToken | undefined
  /** Replaces it, for the holder of the lock alone. @throws CredentialsError `CREDENTIALS_UNWRITABLE` */
  replace(tokens: readonly IssuedToken[]): Promise<void>
}

/** Makes the reader of a file. A look whether it has changed is one call of the system. */
export function issuedFile(file: string): IssuedFile {
  let seen: string | undefined
  let tokens: readonly IssuedToken[] = []
  let digests: readonly Buffer[] = []
  function read(): readonly IssuedToken[] {
    // Before reading: a change in between is seen by the next look.
    const version = versionOf(file)
    if (version === seen) return tokens
    tokens = parse(file, readPrivateNow(file, maxFileBytes))
    digests = tokens.map(({ digest }) => Buffer.from(digest, 'hex'))
    seen = version
    return tokens
  }
  return {
    read,
    find(digest) {
      const all = read()
      let found: IssuedToken | undefined
      // To the end, whichever it is.
      for (const [index, one] of digests.entries()) {
        if (timingSafeEqual(digest, one)) found = all[index]
      }
      return found
    },
    async replace(all) {
      await replacePrivate(file, `${JSON.stringify({ version: 1, tokens: all })}\n`)
      // Clocks of disks are coarse: what we know to have changed is read again whatever they say.
      seen = 'replaced'
    },
  }
}

/** Each change is a file of its own, whose number, time or size differs from the last one's. */
function versionOf(file: string): string | undefined {
  let stats: BigIntStats | undefined
  try {
    stats = statSync(file, { bigint: true, throwIfNoEntry: false })
  } catch (cause) {
    throw unreadable(file, cause)
  }
  return stats && [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(' ')
}

function parse(file: string, bytes: Buffer | undefined): readonly IssuedToken[] {
  if (bytes === undefined) return []
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch {
    throw damaged(file)
  }
  const parsed = contentSchema.safeParse(value)
  if (parsed.success) return parsed.data.tokens
  const version =
    typeof value === 'object' && value !== null && 'version' in value ? value.version : undefined
  if (typeof version === 'number' && version > 1) {
    throw new CredentialsError('CREDENTIALS_TOO_NEW', `${file} has version ${version}; this one knows 1`)
  }
  throw damaged(file)
}

function damaged(file: string): CredentialsError {
  return new CredentialsError('CREDENTIALS_DAMAGED', `${file} does not hold tokens`)
}
