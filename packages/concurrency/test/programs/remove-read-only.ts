/** Makes a folder in that of the first argument, fills it with what it may not remove, and removes it; not as root. */
import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tempDir } from '@ipfs-kit/concurrency/node'

const nobody = 65534
if (process.getuid!() === 0) {
  process.setgid!(nobody)
  process.setuid!(nobody)
}
const folder = await tempDir({ parent: process.argv[2]! })
await mkdir(`${folder.path}/a/b`, { recursive: true })
await writeFile(`${folder.path}/a/b/c`, '', { mode: 0o400 })
await symlink('/', `${folder.path}/a/link`)
await chmod(`${folder.path}/a/b`, 0o500)
await chmod(`${folder.path}/a`, 0)
await chmod(folder.path, 0o500)
await rm(folder.path, { recursive: true }).then(
  () => process.exit(9),
  () => undefined,
)
await folder[Symbol.asyncDispose]()
console.log(folder.path)
