/** References: texts that say where a secret is, and hold none. */
import { z } from 'zod'
import { CredentialsError } from './errors.ts'

/** Where a secret is. */
export type Place =
  | { readonly kind: 'credential'; readonly name: string }
  | { readonly kind: 'env'; readonly names: readonly string[] }
  | { readonly kind: 'command'; readonly argv: readonly [string, ...string[]] }

const namePattern = /^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$/
/** Names of variables as POSIX has them (IEEE Std 1003.1-2024, 8.1). */
const variablePattern = /^[A-Za-z_][A-Za-z0-9_]{0,254}$/
const maxLength = 8192
const argvSchema = z
  .tuple([z.string().min(1)], z.string())
  .refine((words) => words.length <= 64 && words.every((word) => !word.includes('\0')))

/** @throws CredentialsError `CREDENTIALS_INVALID` for what cannot be the name of a secret or token */
export function checkName(name: unknown): string {
  if (typeof name === 'string' && namePattern.test(name)) return name
  // Somebody may have given the secret in the place of its name.
  throw new CredentialsError(
    'CREDENTIALS_INVALID',
    'A name has 1 to 64 of a-z, 0-9 and . _ - and begins and ends with a letter or digit; what was given does not',
  )
}

/**
 * Reads a reference: `credential:NAME`, `env:NAME[,NAME…]`, or `command:` and the program with its arguments as a JSON
 * array of texts, which no shell sees.
 *
 * @throws CredentialsError `CREDENTIALS_REFERENCE`, which does not repeat the text: it may be the secret itself
 */
export function parseReference(reference: unknown): Place {
  const [, kind, rest] =
    typeof reference === 'string' && reference.length <= maxLength
      ? (/^(credential|env|command):(.+)$/s.exec(reference) ?? [])
      : []
  if (kind === 'credential' && namePattern.test(rest ?? '')) return { kind, name: rest as string }
  if (kind === 'env') {
    const names = (rest as string).split(',')
    if (names.every((name) => variablePattern.test(name))) return { kind, names }
  }
  if (kind === 'command') {
    const argv = argvOf(rest as string)
    if (argv !== undefined) return { kind, argv }
  }
  throw new CredentialsError(
    'CREDENTIALS_REFERENCE',
    kind === undefined
      ? 'A reference is credential:NAME, env:NAME or command:["program", "argument", …]; what was given is not'
      : `What follows ${kind}: in the reference is not ${forms[kind as Place['kind']]}`,
  )
}

const forms = {
  credential: 'the name of a secret',
  env: 'a name of a variable, or several with commas between them',
  command: 'a JSON array of 1 to 64 texts, the program and its arguments',
} as const satisfies { readonly [K in Place['kind']]: string }

function argvOf(text: string): [string, ...string[]] | undefined {
  try {
    return argvSchema.safeParse(JSON.parse(text)).data
  } catch {
    // The error of the parser shows some of the text.
    return undefined
  }
}
