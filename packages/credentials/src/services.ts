/** The services that have secrets, and the forms of these. */
import { z } from 'zod'
import { CredentialsError } from './errors.ts'

/** One line of visible ASCII: what goes into a header. */
const line = z
  .string()
  .min(1)
  .max(16_384)
  .regex(/^[\x21-\x7e]+$/)

const schemas = {
  s3: z.strictObject({
    accessKeyId: line,
    secretAccessKey: line,
    sessionToken: line.optional(),
  }),
  huggingface: z.strictObject({ token: line }),
}

/** The names of the services. */
export const services = ['s3', 'huggingface'] as const satisfies readonly (keyof typeof schemas)[]

/** A service that has secrets: `s3`, any store that speaks S3; `huggingface`, the hub. */
export type Service = (typeof services)[number]

/** The fields of the secrets of each service: lines of 1 to 16,384 visible ASCII characters. */
export interface SecretFields {
  readonly s3: {
    readonly accessKeyId: string
    readonly secretAccessKey: string
    /** Of keys that are lent for a time. */
    readonly sessionToken?: string | undefined
  }
  readonly huggingface: { readonly token: string }
}

/** The fields in the order in which variables of the environment and typed lines give them; those with `?` may be absent. */
export const fieldOrder = {
  s3: ['accessKeyId', 'secretAccessKey', 'sessionToken?'],
  huggingface: ['token'],
} as const satisfies { readonly [S in Service]: readonly string[] }

/** What a terminal asks for, in the same order. */
export const lineNames = {
  s3: ['Access key id', 'Secret access key', 'Session token (empty: none)'],
  huggingface: ['Token'],
} as const satisfies { readonly [S in Service]: readonly string[] }

/** What a text says: the fields, and when they expire if it says that. */
export interface ReadSecret<S extends Service> {
  readonly fields: SecretFields[S]
  readonly expiresAt?: number | undefined
}

/** What a tool of the AWS family prints (AWS SDKs and Tools Reference Guide, "Process credential provider"). */
const processOutput = z.object({
  Version: z.literal(1),
  AccessKeyId: z.string(),
  SecretAccessKey: z.string(),
  SessionToken: z.string().optional(),
  Expiration: z.iso.datetime({ offset: true }).optional(),
})

/** @throws CredentialsError `CREDENTIALS_INVALID` for a service that there is not */
export function checkService(service: unknown): Service {
  if (services.includes(service as Service)) return service as Service
  throw new CredentialsError(
    'CREDENTIALS_INVALID',
    `There is no service ${JSON.stringify(String(service).slice(0, 100))}; there are ${services.join(', ')}`,
  )
}

/**
 * Checks the fields of a secret.
 *
 * @throws CredentialsError `CREDENTIALS_INVALID`, which names the field and not what is in it
 */
export function checkFields<S extends Service>(service: S, fields: unknown): SecretFields[S] {
  const parsed = schemas[service].safeParse(fields)
  if (parsed.success) return parsed.data as SecretFields[S]
  // The library's own message may repeat a key, which may be a secret that was typed in the wrong place.
  const named = new Set(parsed.error.issues.map(({ path: [key] }) => key))
  const wrong = fieldOrder[service].map((key) => key.replace('?', '')).filter((key) => named.has(key))
  throw new CredentialsError(
    'CREDENTIALS_INVALID',
    wrong.length > 0
      ? `A secret for ${service} needs ${wrong.join(' and ')} as a line of at most 16,384 visible ASCII characters`
      : `A secret for ${service} has the fields ${fieldOrder[service].join(', ')} and no others`,
  )
}

/** Gives values their fields, in the order of the service. Empty ones at the end count as absent. */
export function readValues<S extends Service>(service: S, values: readonly string[]): SecretFields[S] {
  const order = fieldOrder[service]
  if (values.length > order.length) {
    throw new CredentialsError(
      'CREDENTIALS_INVALID',
      `A secret for ${service} has ${values.length} values instead of ${order.join(', ')}`,
    )
  }
  const fields: Record<string, string> = {}
  for (const [index, value] of values.entries()) {
    const key = order[index] as string
    if (value === '' && key.endsWith('?')) continue
    fields[key.replace('?', '')] = value
  }
  return checkFields(service, fields)
}

/**
 * Reads the text of a secret: its fields, a line each; for `s3` also the JSON that tools of the AWS family print.
 *
 * @throws CredentialsError `CREDENTIALS_INVALID`, which does not repeat the text
 */
export function readSecret<S extends Service>(service: S, text: string): ReadSecret<S> {
  if (service === 's3' && text.trimStart().startsWith('{')) {
    return readProcessOutput(text) as ReadSecret<S>
  }
  const lines = text.replace(/\r?\n$/, '').split(/\r?\n/)
  return { fields: readValues(service, lines) }
}

function readProcessOutput(text: string): ReadSecret<'s3'> {
  const parsed = processOutput.safeParse(jsonOf(text))
  if (!parsed.success) {
    throw new CredentialsError(
      'CREDENTIALS_INVALID',
      'The JSON of a secret for s3 needs Version 1, AccessKeyId and SecretAccessKey, and may have SessionToken and Expiration',
    )
  }
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = parsed.data
  const fields = checkFields('s3', {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    ...(SessionToken === undefined ? {} : { sessionToken: SessionToken }),
  })
  return { fields, ...(Expiration === undefined ? {} : { expiresAt: Date.parse(Expiration) }) }
}

/** `undefined` for what is no JSON: the error of the parser shows some of the text. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
