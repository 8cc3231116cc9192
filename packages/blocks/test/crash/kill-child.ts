/** A process that adds, claims, reads and drops claims until it is killed. Says a line for each claim that it has recorded. */
import { appendFileSync, closeSync, fsyncSync, openSync, writeSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { openBlocks } from '../../src/open-blocks.ts'
import { linksOf, numbered } from './made-blocks.ts'
import { blocksOf, type Line, lineOf, readLines } from './side-file.ts'

// It dies before it would keep what it has compiled for the next one.
flushCompileCache()
const [path = '', side = '', start = '0'] = process.argv.slice(2)
appendFileSync(side, '')
const claims = readLines(side)
const file = openSync(side, 'a')
const store = await openBlocks({
  path,
  maxBytes: 4_194_304,
  packBytes: 131_072,
  minFreeBytes: 0,
  claims: () => [...claims.values()].map((line) => ({ cid: blocksOf(line)[0]!.cid })),
  links: linksOf,
})

function record(sign: '+' | '-', line: Line): void {
  writeSync(file, lineOf(sign, line))
  fsyncSync(file)
  if (sign === '+') claims.set(line.first, line)
  else claims.delete(line.first)
}

async function add(line: Line): Promise<void> {
  using lease = store.lease()
  const [root, ...leaves] = blocksOf(line)
  await Promise.all(leaves.map(({ cid, bytes }) => lease.put(cid, bytes)))
  await lease.put(root!.cid, root!.bytes)
  await lease.flush()
  record('+', line)
}

let next = Number(start)
const adder = async (): Promise<void> => {
  for (;;) {
    const line = { first: next, count: 1 + (next % 12) }
    next += line.count
    await add(line)
    process.stdout.write(`${line.first}\n`)
    const oldest = [...claims.values()][0]
    if (claims.size > 30 && oldest !== undefined) record('-', oldest)
    if (line.first % 97 === 0) await store.collect()
  }
}
const cacher = async (): Promise<void> => {
  for (let number = 1e9 + Number(start); ; number += 1) {
    const { cid, bytes } = numbered(number, 3000)
    await store.put(cid, bytes)
    await store.get(cid)
  }
}
process.stdout.write('open\n')
await Promise.all([adder(), adder(), adder(), cacher()])
closeSync(file)
