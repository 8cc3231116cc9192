/**
 * The settings of a node: the file `config.toml` in its home, with the overrides of the command line on top.
 */
import { readFile } from 'node:fs/promises'
import { nearest } from '@ipfs-kit/operations'
import { parse, TomlError } from 'smol-toml'
import { z } from 'zod'
import { KitError } from './errors.ts'

/** Until listeners can be guarded for a network, they are on this machine only. */
const host = z.enum(['127.0.0.1', '::1', 'localhost'])
const port = z.int().min(0).max(65_535)

const configSchema = z.strictObject({
  network: z.enum(['offline']).default('offline'),
  api: z.strictObject({ host: host.default('127.0.0.1'), port: port.default(4801) }).prefault({}),
  gateway: z.strictObject({ host: host.default('127.0.0.1'), port: port.default(4802) }).prefault({}),
  limits: z
    .strictObject({
      maxBodyBytes: z
        .int()
        .min(1)
        .default(2 ** 40),
      maxFilesPerRequest: z.int().min(1).default(1_000_000),
      maxBlockBytes: z.int().min(1_048_576).max(16_777_216).default(2_097_152),
    })
    .prefault({}),
  blocks: z
    .strictObject({
      maxBytes: z.int().min(1_048_576).optional(),
      minFreeBytes: z.int().min(0).optional(),
    })
    .prefault({}),
  cache: z.strictObject({ memoryBytes: z.int().min(0).default(67_108_864) }).prefault({}),
  log: z
    .strictObject({
      mode: z.enum(['always', 'interval', 'os']).default('always'),
      keepFinished: z.int().min(0).max(100_000_000).default(10_000),
      keepFinishedSeconds: z.int().min(0).max(315_360_000).default(604_800),
    })
    .prefault({}),
  credentials: z
    .strictObject({
      identity: z
        .string()
        .regex(/^(env|command):./)
        .optional(),
    })
    .prefault({}),
  mcp: z.strictObject({ areas: z.array(z.enum(['fs', 'journal'])).default([]) }).prefault({}),
  journal: z
    .strictObject({
      keepCheckpoints: z.int().min(1).max(100).default(3),
      checkpointChanges: z.int().min(1).max(1_000_000).default(25_000),
      checkpointBytes: z
        .int()
        .min(65_536)
        .max(2 ** 40)
        .default(67_108_864),
      checkpointMs: z.int().min(1000).max(86_400_000).default(300_000),
      transactionMs: z.int().min(1).max(86_400_000).default(300_000),
      folderMemoryBytes: z
        .int()
        .min(0)
        .max(2 ** 32)
        .default(33_554_432),
    })
    .prefault({}),
})

/**
 * All settings.
 *
 * - `network`: `offline`: no traffic but to this machine. The only value for now.
 * - `api`, `gateway`: `host` (a loopback name) and `port` (0: any free one) of the two listeners. Defaults
 *   127.0.0.1 with 4801 and 4802. Two origins, so that HTML out of a CID never runs on the API's.
 * - `limits.maxBodyBytes`: bytes of one request body, for operations that bring no limit of their own. Default
 *   1,099,511,627,776 (1 TiB).
 * - `limits.maxFilesPerRequest`: files and folders of one upload. Default 1,000,000.
 * - `limits.maxBlockBytes`: largest block that is stored, 1,048,576 (a leaf of a file) to 16,777,216. Default 2,097,152, what peers
 *   accept.
 * - `blocks.maxBytes`: bytes that the blocks may take on the volume, 1,048,576 or more. Default: 80 % of the volume.
 * - `blocks.minFreeBytes`: room on the volume that is left alone. Default: 1 GiB or 5 % of the volume, whichever is less.
 * - `cache.memoryBytes`: bytes of blocks that are kept in memory for reads; 0: none. Default 67,108,864 (64 MiB).
 * - `log.mode`: when a promised job is on the disk: `always`, before it is acknowledged; `interval`, within 50 ms, which a power
 *   loss takes; `os`, when the system likes. Default `always`.
 * - `log.keepFinished`, `log.keepFinishedSeconds`: so many jobs that have ended can be listed, and no longer than that. Defaults
 *   10,000 and 604,800 (7 days). More than 100,000 are found by an index in a file, which takes a thread.
 * - `credentials.identity`: where the key of the secrets is: `env:NAME` or `command:["program", …]`. Default: the file
 *   `credentials.key` in the home.
 * - `mcp.areas`: areas whose operations are tools too: `fs`, `journal`. Default none.
 * - `journal.keepCheckpoints`: so many checkpoints of the tree are kept, 1 to 100. Default 3.
 * - `journal.checkpointChanges`, `journal.checkpointBytes`, `journal.checkpointMs`: a checkpoint is made by itself after so many
 *   changes, so many bytes of them in the log, and so many milliseconds after the first of them. Defaults 25,000, 67,108,864 (64 MiB)
 *   and 300,000 (5 minutes).
 * - `journal.transactionMs`: a transaction that is open for longer is rolled back, in milliseconds. Default 300,000 (5 minutes).
 * - `journal.folderMemoryBytes`: bytes of blocks of folders that stay in memory; 0: none. Default 33,554,432 (32 MiB).
 */
export type Config = z.output<typeof configSchema>

/** Settings that replace those of the file, key by key; `undefined` leaves them alone. */
export interface ConfigOverrides {
  readonly network?: Config['network'] | undefined
  readonly api?: { readonly host?: string | undefined; readonly port?: number | undefined } | undefined
  readonly gateway?: { readonly host?: string | undefined; readonly port?: number | undefined } | undefined
  readonly limits?: { readonly [K in keyof Config['limits']]?: number | undefined } | undefined
  readonly blocks?: { readonly [K in keyof Config['blocks']]?: number | undefined } | undefined
  readonly cache?: { readonly [K in keyof Config['cache']]?: number | undefined } | undefined
  readonly log?: { readonly [K in keyof Config['log']]?: Config['log'][K] | undefined } | undefined
  readonly credentials?: { readonly identity?: string | undefined } | undefined
  readonly mcp?: { readonly areas?: Config['mcp']['areas'] | undefined } | undefined
  readonly journal?: { readonly [K in keyof Config['journal']]?: number | undefined } | undefined
}

/** Options of {@link readConfig}. */
export interface ReadConfigOptions {
  /** The TOML 1.0 file; absent is the same as empty. */
  readonly path: string
  readonly overrides?: ConfigOverrides
}

/**
 * Reads and checks the settings. Throws `KIT_CONFIG_INVALID`: for TOML that cannot be parsed with
 * file:line:column, for an unknown key with the nearest known one, for a value with those that are allowed.
 */
export async function readConfig(options: ReadConfigOptions): Promise<Config> {
  const { path, overrides = {} } = options
  // The file is checked alone first, so that a problem is told where it is.
  const fromFile = await parseFile(path)
  check(fromFile, path)
  const config = check(merge(fromFile, overrides), 'the options')
  if (config.api.port !== 0 && config.api.port === config.gateway.port) {
    throw invalid(
      path,
      `api.port and gateway.port are both ${config.api.port}: give one of them another port, or 0`,
    )
  }
  return config
}

async function parseFile(path: string): Promise<Record<string, unknown>> {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return {}
    const why =
      code === 'ERR_ENCODING_INVALID_ENCODED_DATA' ? 'it is not UTF-8' : `it cannot be read (${code})`
    throw invalid(path, why, error)
  }
  try {
    return parse(text)
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const [what] = error.message.replace(/^Invalid TOML document: /, '').split('\n')
    throw invalid(`${path}:${error.line}:${error.column}`, what ?? 'invalid TOML', error)
  }
}

function check(value: unknown, where: string): Config {
  const parsed = configSchema.safeParse(value)
  if (parsed.success) return parsed.data
  throw invalid(where, parsed.error.issues.map(describe).join('; '))
}

function describe(issue: z.core.$ZodIssue): string {
  const section = issue.path.map(String)
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => unknownKey(section, key)).join('; ')
  }
  const name = section.join('.')
  if (issue.code === 'invalid_value') return `${name}: ${issue.message}${hostHint(name)}`
  return `${name}: ${issue.message}`
}

function hostHint(name: string): string {
  return name.endsWith('.host') ? ' (listeners are on loopback only for now)' : ''
}

function unknownKey(section: readonly string[], key: string): string {
  const known = Object.keys(section.length === 0 ? configSchema.shape : sectionShape(section[0]))
  const meant = nearest(key, known)
  const name = [...section, key].join('.')
  const hint =
    meant === undefined ? `known are ${known.join(', ')}` : `did you mean ${[...section, meant].join('.')}?`
  return `unknown key ${name}: ${hint}`
}

function sectionShape(name: string | undefined): object {
  const field = Object.entries(configSchema.shape).find(([key]) => key === name)?.[1]
  const section = field instanceof z.ZodPrefault ? field.unwrap() : field
  return section instanceof z.ZodObject ? section.shape : {}
}

/** Sections are merged key by key. What is no section is left as it is: the check names it. */
function merge(below: Record<string, unknown>, above: object): Record<string, unknown> {
  const merged = { ...below }
  for (const [key, value] of Object.entries(above)) {
    if (value === undefined) continue
    const old = merged[key]
    merged[key] = isSection(value) ? merge(isSection(old) ? old : {}, value) : value
  }
  return merged
}

function isSection(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalid(where: string, what: string, cause?: unknown): KitError {
  return new KitError('KIT_CONFIG_INVALID', `${where}: ${what}`, { cause })
}
