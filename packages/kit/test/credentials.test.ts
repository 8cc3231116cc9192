import { readdir, writeFile } from 'node:fs/promises'
import { openKit } from '@ipfs-kit/kit'
import { expect, onTestFinished, test } from 'vitest'
import { collect } from './collect.ts'
import { openTemporaryKit } from './open-kit.ts'

const hub = { name: 'hub', service: 'huggingface' } as const

async function* bodyOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text)
}

test('secrets and tokens of a home are those that its operations keep, also when it is opened again', async () => {
  const kit = await openTemporaryKit()
  expect((await readdir(kit.home.path)).filter((name) => name.startsWith('credentials'))).toEqual([])
  await kit.call('credentials.add', hub, { body: bodyOf('hf_kept') })
  const { token } = await kit.call('credentials.token-create', { name: 'ci', scopes: 'pins' })
  expect((await kit.credentials.resolve('credential:hub', 'huggingface')).reveal().token).toBe('hf_kept')
  expect(kit.tokens.verify(token)?.scopes).toEqual(['pins'])
  await kit.close()
  const again = await openKit({ home: kit.home.path, role: 'command' })
  onTestFinished(() => again.close())
  expect(await collect(await again.call('credentials.list', {}))).toMatchObject([hub])
  expect(again.tokens.verify(token)?.id).toBe('ci')
})

test('the key of the secrets is where the settings say', async () => {
  const kit = await openTemporaryKit({ config: { credentials: { identity: 'env:IPFS_KIT_TEST_KEY' } } })
  const adding = kit.call('credentials.add', hub, { body: bodyOf('hf_kept') })
  await expect(adding).rejects.toMatchObject({ code: 'CREDENTIALS_NOT_FOUND' })
  await expect(adding).rejects.toThrow('IPFS_KIT_TEST_KEY is not set')
  expect((await readdir(kit.home.path)).filter((name) => /\.(age|key)$/.test(name))).toEqual([])
  await kit.close()
  await writeFile(kit.home.config, '[credentials]\nidentity = "command:not json"\n')
  await expect(openKit({ home: kit.home.path, role: 'command' })).rejects.toMatchObject({
    code: 'CREDENTIALS_REFERENCE',
  })
  await writeFile(kit.home.config, '')
  const again = await openKit({ home: kit.home.path, role: 'command' })
  await again.close()
})
