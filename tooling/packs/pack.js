/** Packs a package as it would be published, and lints the tarball. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { run } from './run.ts'
/** Packs into the folder `into` and gives the path of the tarball. Rejects if the package is not built or cannot be packed. */
export async function pack(one, into) {
  if (!existsSync(join(one.path, 'dist'))) throw new Error('is not built: run pnpm build first')
  const tarball = join(into, `${one.folder.replace('/', '-')}.tgz`)
  await run('pnpm', ['pack', '--out', tarball], { cwd: one.path, timeoutMs: 120_000 })
  return tarball
}
/** What publint has against a tarball, warnings included, as lines. */
export async function lintTarball(tarball) {
  const bytes = readFileSync(tarball)
  const data = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
  const { messages, pkg } = await publint({ pack: { tarball: data }, strict: true, level: 'warning' })
  return messages.map((message) => formatMessage(message, pkg, { color: false }) ?? message.code)
}
//# sourceMappingURL=pack.js.map
