import { execFile } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { appFolder } from './command.ts'
import { temporaryFolder } from './temporary-folder.ts'

const folder = join(appFolder, 'examples')

test.each(readdirSync(folder).filter((name) => name.endsWith('.sh')))(
  'the example %s runs to its end with the sources as ipfs-kit',
  async (name) => {
    const commands = temporaryFolder()
    writeFileSync(join(commands, 'ipfs-kit'), launcher(), { mode: 0o755 })
    const PATH = [commands, process.env['PATH']].join(delimiter)
    // Rejects for every exit code but 0, with what was written to standard error.
    const { stdout } = await promisify(execFile)('sh', ['-eu', join(folder, name)], {
      env: { ...process.env, PATH, TMPDIR: commands },
    })
    expect(stdout).not.toBe('')
    expect(readdirSync(commands)).toEqual(['ipfs-kit'])
  },
)

/** A script that becomes the command line. */
function launcher(): string {
  const words = [process.execPath, '--conditions=@ipfs-kit/source', join(appFolder, 'src/main.ts')]
  return `#!/bin/sh\nexec ${words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')} "$@"\n`
}
