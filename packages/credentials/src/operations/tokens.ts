/** Operations on the tokens that are made for others. */
import { operation, type Scope, scopes } from '@ipfs-kit/operations'
import { z } from 'zod'
import type { Tokens, TokenSummary } from '../tokens.ts'
import { expiresAtSchema, isoOf, nameSchema, timeSchema, wordsOf } from './fields.ts'

type Slice<K extends keyof Tokens> = { readonly tokens: Pick<Tokens, K> }

const name = nameSchema.describe('Name of the token: a-z, 0-9 and . _ -')

const fields = {
  name: z.string(),
  scopes: z.array(z.enum(scopes)).describe('What it allows'),
  createdAt: timeSchema.describe('When it was made'),
  expiresAt: timeSchema.describe('When it expires'),
}

const listedSchema = z.object({
  ...fields,
  revokedAt: timeSchema.optional().describe('When it was revoked'),
})

const own = { parts: ['tokens'], scope: 'admin', doors: ['cli'], body: 'none' } as const

/** Makes a token. */
export const tokenCreate = operation<Slice<'create'>>()({
  ...own,
  name: 'credentials.token-create',
  summary: 'Make a token for somebody else; it is shown now and never again',
  input: z.object({
    name,
    scopes: z
      .string()
      .min(1)
      .max(200)
      .describe(`What it allows: ${scopes.join(', ')}; several with commas between them`),
    expiresAt: expiresAtSchema
      .optional()
      .describe('When it expires, such as 2027-01-31T00:00:00Z. Default: in 90 days'),
  }),
  output: z.object({ ...fields, token: z.string().describe('The token itself') }),
  returns: 'value',
  effect: 'write',
  command: { name: 'credential token create', arguments: ['name'] },
  text: ({ token }) => token,
  async run({ tokens }, input, { signal }) {
    const { token, ...summary } = await tokens.create({
      name: input.name,
      // What is no scope is refused there.
      scopes: input.scopes.split(',').map((one) => one.trim() as Scope),
      ...(input.expiresAt === undefined ? {} : { expiresAt: Date.parse(input.expiresAt) }),
      signal,
    })
    return { ...shown(summary), token }
  },
})

/** Lists the tokens. */
export const tokenList = operation<Slice<'list'>>()({
  ...own,
  name: 'credentials.token-list',
  summary: 'List the tokens that were made for others, also those that have expired or were revoked',
  input: z.object({}),
  output: listedSchema,
  returns: 'lines',
  effect: 'read',
  command: { name: 'credential token list' },
  text: (token) =>
    wordsOf(
      token.name,
      token.scopes.join(','),
      `made ${token.createdAt}`,
      `expires ${token.expiresAt}`,
      token.revokedAt && `revoked ${token.revokedAt}`,
    ),
  async *run({ tokens }) {
    for (const summary of tokens.list()) yield shown(summary)
  },
})

/** Revokes a token. */
export const tokenRevoke = operation<Slice<'revoke'>>()({
  ...own,
  name: 'credentials.token-revoke',
  summary: 'Revoke a token, at once and for ever',
  input: z.object({ name }),
  output: z.object({
    name: z.string(),
    revoked: z.boolean().describe('Whether there was one that was not revoked yet'),
  }),
  returns: 'value',
  effect: 'destructive',
  idempotent: true,
  command: { name: 'credential token revoke' },
  text: (gone) => (gone.revoked ? `revoked  ${gone.name}` : `no token  ${gone.name}`),
  outcome: ({ revoked }) => (revoked ? undefined : 'not-found'),
  run: async ({ tokens }, input, { signal }) => ({
    name: input.name,
    revoked: await tokens.revoke(input.name, { signal }),
  }),
})

function shown(summary: TokenSummary): z.output<typeof listedSchema> {
  return {
    name: summary.name,
    scopes: [...summary.scopes],
    createdAt: isoOf(summary.createdAt),
    expiresAt: isoOf(summary.expiresAt),
    ...(summary.revokedAt === undefined ? {} : { revokedAt: isoOf(summary.revokedAt) }),
  }
}
