import { CID } from 'multiformats/cid'
import { expect, it } from 'vitest'
import { createCidStack } from '../src/cid-stack.ts'
import { cidOf, Dag, inlineOf } from './dag.ts'

it.each([undefined, 50, 1000])('ends a chain of 100 double links in 100 reads (depth %s)', async (depth) => {
  const dag = new Dag()
  let cid = dag.leaf('leaf')
  for (let level = 0; level < 100; level += 1) cid = dag.node([cid, cid], `${level}`)
  dag.claim(cid, depth)
  const { report } = await dag.mark()
  expect(dag.reads).toBe(Math.min(depth ?? 100, 100))
  expect(report.liveBlocks).toBe(Math.min(depth ?? 100, 100) + 1)
})

it.each([undefined, 200_000])('ends a chain of 100,000 links (depth %s)', async (depth) => {
  const dag = new Dag()
  const chain = Array.from({ length: 100_001 }, (_, at) => dag.store(cidOf(`${at}`, at === 0), `${at}`))
  dag.claim(chain.at(-1)!, depth)
  const { report } = await dag.mark({
    sliceMs: 4,
    links: (_cid, bytes) => [chain[Number(Buffer.from(bytes).toString()) - 1]!],
  })
  expect(report).toMatchObject({ liveBlocks: 100_001, deadBlocks: 0 })
  expect(dag.reads).toBe(100_000)
})

it.each([undefined, 1000])('ends for lying blocks that lead in a circle (depth %s)', async (depth) => {
  const dag = new Dag()
  const circle: CID[] = Array.from({ length: 7 }, (_, at) => dag.node([], `circle ${at}`))
  dag.claim(circle[0]!, depth)
  let reads = 0
  await dag.mark({
    read: () => {
      reads += 1
      return new Uint8Array()
    },
    links: (cid) => {
      const at = circle.findIndex((one) => one.equals(cid))
      return [circle[(at + 1) % circle.length]!, cid, circle[0]!]
    },
  })
  expect(reads).toBe(7)
})

it('ends for inline blocks in inline blocks in a block that names each of them twice', async () => {
  const dag = new Dag()
  let inline = inlineOf([dag.leaf('leaf')])
  while (inline.multihash.digest.length < 120) inline = inlineOf([inline])
  const twice = inlineOf([inline, inline])
  dag.claim(dag.node([twice, twice], 'root'))
  let links = 0
  await dag.mark({
    links: (_cid, bytes) => {
      links += 1
      return Buffer.from(bytes)
        .toString()
        .split('\n')
        .slice(1)
        .map((link) => CID.parse(link))
    },
  })
  expect(links).toBeLessThan(12)
})

it('keeps CIDs that wait as bytes, not the blocks they were found in, and gives back what it was given', () => {
  const stack = createCidStack()
  const cids = [cidOf('a'), cidOf('b', true), inlineOf([], 'x'.repeat(5000)), cidOf('c')]
  for (let round = 0; round < 100; round += 1) for (const cid of cids) stack.push(cid)
  expect(stack.size).toBe(400)
  for (let at = 399; at >= 0; at -= 1) expect(stack.pop()!.equals(cids[at % 4]!)).toBe(true)
  expect(stack.pop()).toBeUndefined()
})
