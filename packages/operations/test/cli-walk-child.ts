/** Walks a folder as a user who may not read all of it, and prints what came. The super-user reads everything. */
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { walkFiles } from '@ipfs-kit/operations/cli'

const [folder = ''] = process.argv.slice(2)
chmodSync(folder, 0o755)
for (const name of ['top/secret', 'top/large', 'top/vault']) chmodSync(join(folder, name), 0)
if (process.getuid?.() === 0) process.setuid?.(65_534)

const shown: string[] = []
for await (const { path, content, failed } of walkFiles(['top'], { cwd: folder })) {
  if (failed !== undefined) shown.push(`${path}!${failed.code}`)
  else shown.push(content === undefined ? `${path}/` : path)
}
process.stdout.write(JSON.stringify(shown))
