import assert from 'node:assert/strict'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { moveOnAfter } from '@ipfs-kit/concurrency'
import { openProcess, runProcess, signals, tempDir } from '@ipfs-kit/concurrency/node'

const { execPath: node } = process
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

// To its end, with its output. A cancelled or late one is killed with everything that it started.
const { stdout } = await runProcess(node, ['--print', '6 * 7'])
assert.equal(text(stdout).trim(), '42')
const forever = 'setInterval(() => {}, 1000)'
await assert.rejects(runProcess(node, ['--eval', forever], { timeoutMs: 300 }), { name: 'TimeoutError' })

// While it runs, with its pipes as web streams; it is gone when the block is left.
const echo = 'process.stdin.pipe(process.stdout)'
{
  await using child = await openProcess(node, ['--eval', echo])
  const writer = child.stdin.getWriter()
  await writer.write(new TextEncoder().encode('ping'))
  for await (const chunk of child.stdout) {
    assert.equal(text(chunk), 'ping')
    break
  }
}

// A folder that is gone with its user.
let path = ''
{
  await using folder = await tempDir()
  path = join(folder.path, 'note')
  await writeFile(path, 'kept for a while')
  assert.equal(await readFile(path, 'utf8'), 'kept for a while')
}
await assert.rejects(stat(path), { code: 'ENOENT' })

// Signals as a loop. Nobody sends one here, so that the time is up first.
const stopped = await moveOnAfter(5, async () => {
  for await (const signal of signals(['SIGTERM'])) return signal
})
assert.equal(stopped, undefined)
