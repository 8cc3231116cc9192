import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const folder = fileURLToPath(new URL('../examples/', import.meta.url))

it.each(readdirSync(folder))('the example %s runs to its end by itself', async (name) => {
  const run = promisify(execFile)(process.execPath, ['--conditions=@ipfs-kit/source', `${folder}${name}`])
  await expect(run).resolves.toMatchObject({ stderr: '' })
})
