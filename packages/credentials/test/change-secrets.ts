/**
 * Run as a process of its own on a home: `add <prefix> <count>` adds so many secrets, `rotate <name>` replaces the value of one
 * without end. It begins with a line on stdin, and prints a line for each change that is done.
 */
import { once } from 'node:events'
import { createCredentials } from '@ipfs-kit/credentials'

const [, , path, what, name, count] = process.argv as [
  string,
  string,
  string,
  'add' | 'rotate',
  string,
  string,
]
const credentials = createCredentials({ path })
process.stdout.write('ready\n')
await once(process.stdin, 'data')
const service = 'huggingface'
for (let index = 0; what === 'rotate' || index < Number(count); index += 1) {
  if (what === 'add') await credentials.add({ name: `${name}${index}`, service, fields: { token: 'x' } })
  else await credentials.rotate({ name, service, fields: { token: `value-${index}-${'x'.repeat(10_000)}` } })
  process.stdout.write(`${index}\n`)
}
process.stdin.destroy()
