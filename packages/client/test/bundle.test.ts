import { fileURLToPath } from 'node:url'
import { brotliCompressSync } from 'node:zlib'
import { build } from 'esbuild'
import { expect, test } from 'vitest'

test('the client bundles for a browser, without a node: import and within 40 KiB', async () => {
  const { outputFiles, metafile } = await build({
    entryPoints: [fileURLToPath(import.meta.resolve('@ipfs-kit/client'))],
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    platform: 'browser',
    format: 'esm',
    conditions: ['@ipfs-kit/source'],
    // A `node:` import would be an error already; this shows it in the list instead.
    external: ['node:*'],
  })
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports)
  expect(imports).toEqual([])
  expect(Object.keys(metafile.inputs).every((path) => path.includes('src/'))).toBe(true)
  const code = outputFiles[0]!.contents
  expect(Buffer.from(code).toString()).not.toMatch(/node:|require\(/)
  expect(brotliCompressSync(code).length).toBeLessThanOrEqual(40 * 1_024)
})
