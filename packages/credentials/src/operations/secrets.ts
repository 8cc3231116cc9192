/** Operations on the secrets of the home. None answers a value. */
import { operation } from '@ipfs-kit/operations'
import { z } from 'zod'
import type { Credentials, CredentialSummary } from '../credentials.ts'
import { credentialsErrors, type FaultKind } from '../errors.ts'
import { lineNames, readSecret, services } from '../services.ts'
import { expiresAtSchema, isoOf, nameSchema, timeSchema, wordsOf } from './fields.ts'
import { maxSecretBytes, readBody } from './secret-body.ts'

type Slice<K extends keyof Credentials> = { readonly credentials: Pick<Credentials, K> }

const name = nameSchema.describe('Name of the secret: a-z, 0-9 and . _ -')
const service = z.enum(services).describe('What the secret is for')
const expiresAt = expiresAtSchema
  .optional()
  .describe('When it expires, such as 2027-01-31T00:00:00Z. Default: what the secret says, else unknown')

const summarySchema = z.object({
  name: z.string(),
  service: z.enum(services),
  createdAt: timeSchema.describe('When it was added'),
  rotatedAt: timeSchema.optional().describe('When its value was replaced last'),
  expiresAt: timeSchema.optional().describe('When it expires, if that is known'),
})

const own = { parts: ['credentials'], scope: 'admin', doors: ['cli'] } as const

/** What both entries that take a secret have. */
const taking = {
  ...own,
  input: z.object({ name, service, expiresAt }),
  output: summarySchema,
  body: 'bytes',
  maxBodyBytes: maxSecretBytes,
  returns: 'value',
} as const

const secretLines = (input: Readonly<Record<string, unknown>>): readonly string[] =>
  lineNames[input['service'] as keyof typeof lineNames]

/** Adds. */
export const credentialsAdd = operation<Slice<'add'>>()({
  ...taking,
  name: 'credentials.add',
  summary:
    'Store a secret under a name; the body has its fields, a line each, or for s3 the JSON of the AWS tools',
  effect: 'write',
  command: { name: 'credential add', arguments: ['name'], secretLines },
  text: (added) => `added  ${lineOf(added)}`,
  run: async ({ credentials }, input, { signal }, body) =>
    shown(await credentials.add(await newSecret(input, body), { signal })),
})

/** Rotates. */
export const credentialsRotate = operation<Slice<'rotate'>>()({
  ...taking,
  name: 'credentials.rotate',
  summary: 'Replace the value of a secret; the body is as that of credentials.add',
  effect: 'destructive',
  command: { name: 'credential rotate', arguments: ['name'], secretLines },
  text: (rotated) => `rotated  ${lineOf(rotated)}`,
  run: async ({ credentials }, input, { signal }, body) =>
    shown(await credentials.rotate(await newSecret(input, body), { signal })),
})

/** Lists. */
export const credentialsList = operation<Slice<'list'>>()({
  ...own,
  name: 'credentials.list',
  summary: 'List the secrets with their services and times, never their values',
  input: z.object({}),
  output: summarySchema,
  body: 'none',
  returns: 'lines',
  effect: 'read',
  command: { name: 'credential list' },
  text: lineOf,
  async *run({ credentials }, _input, { signal }) {
    for (const summary of await credentials.list({ signal })) yield shown(summary)
  },
})

/** Checks. */
export const credentialsCheck = operation<Slice<'check'>>()({
  ...own,
  name: 'credentials.check',
  summary: 'Tell whether a secret is here, well formed and not expired; the service is not asked',
  input: z.object({ name, service }),
  output: z.object({
    name: z.string(),
    isGood: z.boolean(),
    expiresAt: timeSchema.optional().describe('When it expires, if that is known'),
    code: z.string().optional().describe('Code of the error, if it is not good'),
    message: z.string().optional().describe('What is wrong with it'),
  }),
  body: 'none',
  returns: 'value',
  effect: 'read',
  command: { name: 'credential check', arguments: ['name'] },
  text: (found) =>
    found.isGood
      ? wordsOf('good', found.name, found.expiresAt && `expires ${found.expiresAt}`)
      : wordsOf('bad', found.name, found.code, found.message),
  outcome: ({ code }) => (code === undefined ? undefined : kindOf(code)),
  async run({ credentials }, input, { signal }) {
    const found = await credentials.check(`credential:${input.name}`, input.service, { signal })
    if (!found.isGood) {
      const { code, message } = found
      return { name: input.name, isGood: false, code, ...(message === undefined ? {} : { message }) }
    }
    return { name: input.name, isGood: true, ...timesOf({ expiresAt: found.expiresAt }) }
  },
})

/** Removes. */
export const credentialsRemove = operation<Slice<'remove'>>()({
  ...own,
  name: 'credentials.remove',
  summary: 'Remove a secret; what was to use it fails from now on',
  input: z.object({ name }),
  output: z.object({ name: z.string(), removed: z.boolean().describe('Whether there was one') }),
  body: 'none',
  returns: 'value',
  effect: 'destructive',
  idempotent: true,
  command: { name: 'credential remove' },
  text: (gone) => (gone.removed ? `removed  ${gone.name}` : `no secret  ${gone.name}`),
  outcome: ({ removed }) => (removed ? undefined : 'not-found'),
  run: async ({ credentials }, input, { signal }) => ({
    name: input.name,
    removed: await credentials.remove(input.name, { signal }),
  }),
})

/** A newer server may know codes that we do not. */
function kindOf(code: string): FaultKind | 'internal' {
  return (
    (credentialsErrors as Readonly<Record<string, { readonly kind: FaultKind }>>)[code]?.kind ?? 'internal'
  )
}

async function newSecret(
  input: z.output<(typeof taking)['input']>,
  body: AsyncIterable<Uint8Array>,
): Promise<Parameters<Credentials['add']>[0]> {
  const read = readSecret(input.service, await readBody(body))
  const end = input.expiresAt === undefined ? read.expiresAt : Date.parse(input.expiresAt)
  return { name: input.name, service: input.service, fields: read.fields, expiresAt: end }
}

function shown(summary: CredentialSummary): z.output<typeof summarySchema> {
  const { createdAt, rotatedAt, expiresAt: end } = summary
  return {
    name: summary.name,
    service: summary.service,
    createdAt: isoOf(createdAt),
    ...timesOf({ rotatedAt, expiresAt: end }),
  }
}

/** The times that are known, as text. */
function timesOf<K extends string>(times: Readonly<Record<K, number | undefined>>): { [P in K]?: string } {
  const known = Object.entries<number | undefined>(times).flatMap(([key, time]) =>
    time === undefined ? [] : [[key, isoOf(time)] as const],
  )
  return Object.fromEntries(known) as { [P in K]?: string }
}

function lineOf(summary: z.output<typeof summarySchema>): string {
  return wordsOf(
    summary.name,
    summary.service,
    `added ${summary.createdAt}`,
    summary.rotatedAt && `rotated ${summary.rotatedAt}`,
    summary.expiresAt && `expires ${summary.expiresAt}`,
  )
}
