/** Bundles the scenarios as a browser would get them. */
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/** A bundle of scenarios.ts. */
export interface Bundle {
  readonly code: string
  /** What the bundle still imports. */
  readonly imports: readonly string[]
  /** The files in it. */
  readonly inputs: readonly string[]
}

/** Bundles scenarios.ts with the conditions of a browser, from the sources. */
export async function bundleScenarios(): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    entryPoints: [fileURLToPath(new URL('scenarios.ts', import.meta.url))],
    bundle: true,
    write: false,
    metafile: true,
    platform: 'browser',
    format: 'esm',
    target: 'es2024',
    conditions: ['@ipfs-kit/source'],
    // A `node:` import would be an error already; this shows it in the list instead.
    external: ['node:*'],
  })
  return {
    code: outputFiles[0]!.text,
    imports: Object.values(metafile.outputs).flatMap((output) => output.imports.map(({ path }) => path)),
    inputs: Object.keys(metafile.inputs),
  }
}
