import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCredentials } from '@ipfs-kit/credentials'

const home = await mkdtemp(join(tmpdir(), 'ipfs-kit-'))
const credentials = createCredentials({ path: home, env: { HF_TOKEN: 'hf_fromTheEnvironment' } })

// Once, by whoever has the secret.
const fields = { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'wJalrXUtnFEMIexample' }
await credentials.add({ name: 'backup', service: 's3', fields })

// Whoever opens a backend knows a reference only, such as one from the settings.
const secret = await credentials.resolve('credential:backup', 's3')
assert.equal(JSON.stringify(secret), '"[secret]"')
assert.equal(secret.reveal().secretAccessKey, fields.secretAccessKey)
const other = await credentials.resolve('env:HF_TOKEN', 'huggingface')
assert.equal(other.reveal().token, 'hf_fromTheEnvironment')

// Whoever knows the service asks it; here it refuses.
const checked = await credentials.check('credential:backup', 's3', {
  live: async () => {
    throw Object.assign(new Error('403'), { code: 'ACCESS_DENIED' })
  },
})
assert.deepEqual(checked, { isGood: false, failed: 'service', code: 'ACCESS_DENIED' })

await credentials.rotate({ name: 'backup', service: 's3', fields: { ...fields, accessKeyId: 'AKIAOTHER' } })
assert.deepEqual(
  (await credentials.list()).map(({ name, service }) => `${name} ${service}`),
  ['backup s3'],
)
assert.equal(await credentials.remove('backup'), true)

await rm(home, { recursive: true })
