/**
 * Writes `docs/backends-speed.md` from what the bench printed:
 * `pnpm --silent bench concurrency --only A-5.speed --json | node packages/concurrency/bench/concurrency/write-backends-page.ts`
 */
import { writeFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import type { BackendSpeed } from './backends.ts'

interface Printed {
  readonly machine: { readonly node: string; readonly model: string; readonly cpus: number }
  readonly results: readonly { readonly id: string; readonly detail: { readonly backends: BackendSpeed[] } }[]
}

const { machine, results } = JSON.parse(await text(process.stdin)) as Printed
const speeds = results.find(({ id }) => id === 'A-5.speed')?.detail.backends
if (speeds === undefined) throw new Error('there is no result A-5.speed on stdin')
const rows = speeds.map(
  ({ program, unit, native, sim }) =>
    `| ${program} | ${unit} | ${thousands(native)} | ${thousands(sim)} | ${(sim / native).toPrecision(2)} |`,
)
const page = `# How fast the backends are

The same programs on both backends, in turn, and how much of it was done in a second (the median of the rounds). The
last column is the simulated figure as a share of the native one.

| program | what is counted | native | simulated | share |
| --- | --- | ---: | ---: | ---: |
${rows.join('\n')}

A simulated wait is a step of its own: the driver picks what goes on, lets it run until the host has nothing left to do,
and looks again. Sleeping natively takes the time that is slept, and in the simulator only the steps.

Measured on Node ${machine.node.slice(1)}, ${machine.cpus} × ${machine.model}. This page is written by:

\`\`\`sh
pnpm --silent bench concurrency --only A-5.speed --json | node packages/concurrency/bench/concurrency/write-backends-page.ts
\`\`\`
`
await writeFile(new URL('../../docs/backends-speed.md', import.meta.url), page)

function thousands(value: number): string {
  return value.toLocaleString('en-US')
}
