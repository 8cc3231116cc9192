import { mkdir, writeFile } from 'node:fs/promises'
import { type ConfigOverrides, openHome, readConfig } from '@ipfs-kit/kit'
import { expect, test } from 'vitest'
import { temporaryHome } from './temporary-home.ts'

async function configOf(toml: string | Uint8Array | undefined, overrides: ConfigOverrides = {}) {
  const home = await openHome({ path: await temporaryHome() })
  if (toml !== undefined) await writeFile(home.config, toml)
  return readConfig({ path: home.config, overrides })
}

async function problemOf(toml: string | Uint8Array, overrides: ConfigOverrides = {}): Promise<string> {
  try {
    await configOf(toml, overrides)
  } catch (error) {
    expect(error).toMatchObject({ code: 'KIT_CONFIG_INVALID', kind: 'invalid' })
    return (error as Error).message
  }
  throw new Error('It was accepted')
}

test('has defaults for everything, with or without a file', async () => {
  const defaults = {
    network: 'offline',
    api: { host: '127.0.0.1', port: 4801 },
    gateway: { host: '127.0.0.1', port: 4802 },
    limits: { maxBodyBytes: 2 ** 40, maxFilesPerRequest: 1_000_000, maxBlockBytes: 2_097_152 },
    blocks: {},
    cache: { memoryBytes: 67_108_864 },
    log: { mode: 'always', keepFinished: 10_000, keepFinishedSeconds: 604_800 },
    credentials: {},
    mcp: { areas: [] },
    journal: {
      keepCheckpoints: 3,
      checkpointChanges: 25_000,
      checkpointBytes: 67_108_864,
      checkpointMs: 300_000,
      transactionMs: 300_000,
      folderMemoryBytes: 33_554_432,
    },
  }
  expect(await configOf(undefined)).toEqual(defaults)
  expect(await configOf('')).toEqual(defaults)
})

test('takes overrides over the file over the defaults, key by key', async () => {
  const toml = '[api]\nhost = "localhost"\nport = 5001\n[limits]\nmaxBodyBytes = 10\n'
  const config = await configOf(toml, {
    api: { port: 0, host: undefined },
    gateway: { port: 0 },
    network: undefined,
  })
  expect(config.api).toEqual({ host: 'localhost', port: 0 })
  expect(config.gateway).toEqual({ host: '127.0.0.1', port: 0 })
  expect(config.limits.maxBodyBytes).toBe(10)
})

test('takes the limits of the blocks, and refuses others', async () => {
  const config = await configOf('[blocks]\nmaxBytes = 1048576\nminFreeBytes = 0\n')
  expect(config.blocks).toEqual({ maxBytes: 1_048_576, minFreeBytes: 0 })
  expect(await problemOf('[blocks]\nmaxBytes = 1000')).toContain('blocks.maxBytes')
  expect(await problemOf('[blocks]\nminFreeBytes = -1')).toContain('blocks.minFreeBytes')
  expect(await problemOf('[blocks]\nmaxBytse = 1')).toContain('did you mean blocks.maxBytes?')
})

test('takes the settings of the journal, and refuses others', async () => {
  const config = await configOf('[journal]\ncheckpointChanges = 1\n', { journal: { transactionMs: 1 } })
  expect(config.journal).toMatchObject({ checkpointChanges: 1, checkpointMs: 300_000, transactionMs: 1 })
  expect(await problemOf('[journal]\ncheckpointChanges = 0')).toContain('journal.checkpointChanges')
  expect(await problemOf('[journal]\ntransactionms = 1')).toContain('did you mean journal.transactionMs?')
})

test('takes a place for the key of the secrets, and never the key', async () => {
  expect((await configOf('[credentials]\nidentity = "env:KEY"\n')).credentials).toEqual({
    identity: 'env:KEY',
  })
  const problem = await problemOf('[credentials]\nidentity = "AGE-SECRET-KEY-1PLANTED"')
  expect(problem).toContain('credentials.identity')
  expect(problem).not.toContain('PLANTED')
})

test('takes areas whose operations are tools, and refuses others', async () => {
  expect((await configOf('[mcp]\nareas = ["fs"]\n')).mcp).toEqual({ areas: ['fs'] })
  expect((await configOf('[mcp]\nareas = ["fs"]\n', { mcp: { areas: [] } })).mcp).toEqual({ areas: [] })
  expect(await problemOf('[mcp]\nareas = ["files"]')).toMatch(/mcp\.areas.*"fs"/)
})

test('names file, line and column of bad TOML', async () => {
  expect(await problemOf('network = "offline"\n[api\nport = 1\n')).toMatch(/config\.toml:2:5: \S/)
})

test('refuses what is not UTF-8, and what is no file', async () => {
  expect(await problemOf(Uint8Array.of(0xff, 0xfe))).toMatch(/config\.toml: it is not UTF-8/)
  const home = await openHome({ path: await temporaryHome() })
  await mkdir(home.config)
  await expect(readConfig({ path: home.config })).rejects.toMatchObject({
    code: 'KIT_CONFIG_INVALID',
    message: expect.stringContaining('EISDIR'),
  })
})

test('refuses an unknown key with the nearest known name', async () => {
  expect(await problemOf('netwrok = "offline"')).toContain('unknown key netwrok: did you mean network?')
  expect(await problemOf('[api]\nprot = 1')).toContain('unknown key api.prot: did you mean api.port?')
  expect(await problemOf('[limits]\nmaxbodybytes = 1')).toContain('did you mean limits.maxBodyBytes?')
  expect(await problemOf('[gatway]\nport = 1')).toContain('did you mean gateway?')
  expect(await problemOf('colour = "red"')).toContain('known are network, api, gateway, limits')
  expect(await problemOf('', { ap: {} } as ConfigOverrides)).toContain(
    'the options: unknown key ap: did you mean api?',
  )
})

test('names the known networks', async () => {
  expect(await problemOf('network = "online"')).toMatch(/network: .*"offline"/)
})

test('refuses a host that others can reach, and names the known ones', async () => {
  const problem = await problemOf('[api]\nhost = "0.0.0.0"')
  expect(problem).toMatch(/api\.host: .*"127\.0\.0\.1".*"::1".*"localhost".*loopback only/)
  expect(await problemOf('', { gateway: { host: '192.168.1.2' } })).toContain('the options: gateway.host')
})

test.each(['-1', '65536', '1.5', '"80"', 'nan'])('refuses the port %s', async (port) => {
  expect(await problemOf(`[api]\nport = ${port}`)).toContain('config.toml: api.port')
})

test('refuses a section that is a value', async () => {
  expect(await problemOf('api = 1')).toContain('config.toml: api:')
})

test('refuses one port for both listeners, unless it is 0', async () => {
  expect(await problemOf('[gateway]\nport = 4801')).toContain('api.port and gateway.port are both 4801')
  expect((await configOf('[api]\nport = 0\n[gateway]\nport = 0')).gateway.port).toBe(0)
})
