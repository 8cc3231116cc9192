/** Writes `docs/backends-speed.md` from what `pnpm bench backends --json` prints. */
import { writeFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { openProcess } from '@ipfs-kit/concurrency/node'

interface Printed {
  readonly machine: { readonly node: string; readonly model: string; readonly cpus: number }
  readonly results: readonly {
    readonly value: number | null
    readonly detail: {
      readonly what: string
      readonly nativePerSecond: number
      readonly simPerSecond: number
    }
  }[]
}

const bench = fileURLToPath(new URL('../../../../tooling/bench/main.ts', import.meta.url))
await using child = await openProcess(process.execPath, [
  '--conditions=@ipfs-kit/source',
  bench,
  'backends',
  '--json',
])
const [printed] = await Promise.all([text(child.stdout), child.stderr.pipeTo(new WritableStream())])
const { machine, results } = JSON.parse(printed) as Printed
const rows = results.map(
  ({ value, detail: { what, nativePerSecond, simPerSecond } }) =>
    `| ${what} | ${thousands(nativePerSecond)} | ${thousands(simPerSecond)} | ${value} |`,
)
const page = `# The speed of the two backends

Written by \`node --conditions=@ipfs-kit/source bench/backends/write-page.ts\` in this package, from what
\`pnpm bench backends --json\` prints: medians of rounds that take turns. Figures of other machines differ; the last column is a ratio
and moves less.

Node ${machine.node.slice(1)}, ${machine.cpus} × ${machine.model}.

| work | native, a second | simulated, a second | simulated as a share of native |
| --- | ---: | ---: | ---: |
${rows.join('\n')}

A simulated operation is one step of the driver: it picks what goes on, lets it run until nothing is left to do, and looks
again. A test of a few hundred waits under 100 seeds takes some hundredths of a second.
`
await writeFile(new URL('../../docs/backends-speed.md', import.meta.url), page)

function thousands(value: number): string {
  return value.toLocaleString('en-US')
}
