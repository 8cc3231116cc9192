import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const folder = new URL('../examples/', import.meta.url)

test.each(readdirSync(folder).filter((name) => name.endsWith('.ts')))(
  'the example %s runs and holds what it claims',
  async (name) => {
    const file = new URL(name, folder)
    // Rejects for every exit code but 0.
    const { stderr } = await promisify(execFile)(process.execPath, [
      '--conditions=@ipfs-kit/source',
      file.pathname,
    ])
    expect(stderr).toBe('')
  },
)
