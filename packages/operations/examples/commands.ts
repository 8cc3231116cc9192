/** Offers a table of operations as commands, and runs one as a shell does. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { createCaller, operation } from '@ipfs-kit/operations'
import { addCommands, runProgram } from '@ipfs-kit/operations/cli'
import { Command } from 'commander'
import { z } from 'zod'

const count = operation<object>()({
  name: 'files.count',
  summary: 'Count the bytes of files',
  parts: [],
  input: z.object({ minBytes: z.int().min(0).default(0).describe('leave out smaller files') }),
  output: z.object({ items: z.int(), bytes: z.int(), failed: z.int() }),
  body: 'files',
  returns: 'lines',
  effect: 'read',
  scope: 'content:read',
  doors: ['cli'],
  command: { name: 'count' },
  text: ({ items, bytes, failed }) => `${items} files, ${bytes} bytes, ${failed} failed`,
  async *run(_parts, { minBytes }, _context, files) {
    const sum = { items: 0, bytes: 0, failed: 0 }
    for await (const { content, failed } of files) {
      if (failed !== undefined) sum.failed += 1
      if (content === undefined) continue
      let bytes = 0
      for await (const piece of content instanceof Uint8Array ? [content] : content) bytes += piece.length
      if (bytes < minBytes) continue
      sum.items += 1
      sum.bytes += bytes
    }
    yield sum
  },
})

const operations = [count]
const streams = { stdin: process.stdin, stdout: new PassThrough(), stderr: new PassThrough() }
const cwd = await mkdtemp(join(tmpdir(), 'commands-'))

const program = new Command('demo').option('--json', 'print JSON')
addCommands(program, {
  operations,
  streams,
  cwd,
  connect: async () => ({
    caller: createCaller({
      operations,
      borrow: () => ({ parts: {}, signal: new AbortController().signal, release() {} }),
    }),
    close: async () => {},
  }),
})

await writeFile(join(cwd, 'small'), 'x')
await writeFile(join(cwd, 'large'), 'x'.repeat(100))

// demo count . --min-bytes 10
assert.equal(await runProgram(program, ['count', '.', '--min-bytes', '10']), 0)
assert.equal(String(streams.stdout.read()), '1 files, 100 bytes, 0 failed\n')

// A file that is missing is a failed item, and the exit code says that others succeeded.
assert.equal(await runProgram(program, ['count', 'small', 'missing', '--json']), 6)
assert.equal(String(streams.stdout.read()), '{"items":1,"bytes":1,"failed":1}\n')

// A wrong command line is told before anything is done.
assert.equal(await runProgram(program, ['count', '.', '--min-bytes', 'ten']), 2)
assert.match(String(streams.stderr.read()), /COMMAND_USAGE/)

await rm(cwd, { recursive: true })
