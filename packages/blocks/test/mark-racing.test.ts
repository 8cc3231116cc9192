import { cancelScope, checkpoint, taskGroup } from '@ipfs-kit/concurrency'
import { cancelAtEveryStep, forEachBackend } from '@ipfs-kit/concurrency/testing'
import type { CID } from 'multiformats/cid'
import { expect, it } from 'vitest'
import type { Claim } from '../src/blocks.ts'
import { cidOf, Dag, textOf } from './dag.ts'

const both = forEachBackend(it, { seeds: 60 })

/** The blocks of a tree of 3 levels, root last. Trees with the same `part` share one. */
function treeOf(name: string, part: string): { readonly cid: CID; readonly text: string }[] {
  const blocks: { cid: CID; text: string }[] = []
  const middles = [`${name} 0`, `${name} 1`, part].map((own) => {
    const leaves = ['a', 'b'].map((leaf) => ({ cid: cidOf(`${own} ${leaf}`, true), text: `${own} ${leaf}` }))
    const links = leaves.map(({ cid }) => cid)
    blocks.push(...leaves, { cid: cidOf(textOf(links, own)), text: textOf(links, own) })
    return cidOf(textOf(links, own))
  })
  return [...blocks, { cid: cidOf(textOf(middles, name)), text: textOf(middles, name) }]
}

/** The claims of now, in pages of two as from a database: what is recorded after the first page is not among them. */
function paged(dag: Dag): () => AsyncGenerator<Claim> {
  return async function* () {
    const end = Math.max(0, ...dag.claimed.keys())
    for (let id = 0; id < end; id += 2) {
      await checkpoint()
      for (const at of [id + 1, id + 2]) {
        const claim = dag.claimed.get(at)
        if (claim !== undefined && at <= end) yield claim
      }
    }
  }
}

/** Adds a tree through a lease, waiting between any two steps: each block is put or found and held, then claimed. */
async function add(
  dag: Dag,
  name: string,
  part: string,
): Promise<{ readonly cid: CID; readonly claim: number }> {
  const era = dag.epochs.leaseOpened()
  try {
    const blocks = treeOf(name, part)
    for (const { cid, text } of blocks) {
      if (dag.has(cid)) dag.hold(cid)
      else dag.store(cid, text, undefined, true)
      await checkpoint()
    }
    const { cid } = blocks.at(-1)!
    const claim = dag.claim(cid)
    await checkpoint()
    return { cid, claim }
  } finally {
    dag.epochs.leaseClosed(era)
  }
}

const slow = (dag: Dag) => ({
  claims: paged(dag),
  read: async (cid: CID) => {
    await checkpoint()
    return dag.read(cid)
  },
})

both('keeps every added tree complete while others are unpinned, marked and compacted', async () => {
  const dag = new Dag()
  const trees = new Map<number, CID>()
  await taskGroup((group) => {
    group.spawn(async () => {
      for (let at = 0; at < 6; at += 1) {
        const { cid, claim } = await add(dag, `tree ${at % 4}`, `part ${at % 2}`)
        trees.set(claim, cid)
        expect(dag.isComplete(cid)).toBe(true)
      }
    })
    group.spawn(async () => {
      for (let at = 0; at < 30; at += 1) {
        await checkpoint()
        const [oldest] = trees.keys()
        if (oldest === undefined || at % 5 !== 0) continue
        trees.delete(oldest)
        dag.claimed.delete(oldest)
      }
    })
    group.spawn(async () => {
      for (let at = 0; at < 4; at += 1) {
        await dag.mark(slow(dag))
        dag.compact()
        for (const cid of trees.values()) expect(dag.isComplete(cid)).toBe(true)
      }
    })
    group.spawn(async () => {
      for (let at = 0; at < 40; at += 1) {
        await checkpoint()
        dag.compact()
      }
    })
  })
  const claimed = [...trees.values()]
  await dag.mark(slow(dag))
  dag.compact()
  for (const cid of claimed) expect(dag.isComplete(cid)).toBe(true)
  dag.claimed.clear()
  await dag.mark(slow(dag))
  dag.compact()
  expect(dag.catalog.keys()).toEqual([])
})

both('keeps what is found again by a lease after its claim ended in the same mark', async () => {
  const dag = new Dag()
  const { cid, claim } = await add(dag, 'tree', 'part')
  await dag.mark(slow(dag))
  let second: CID | undefined
  await taskGroup((group) => {
    group.spawn(async () => {
      await dag.mark(slow(dag))
      dag.compact()
    })
    group.spawn(async () => {
      await checkpoint()
      dag.claimed.delete(claim)
      second = (await add(dag, 'tree', 'part')).cid
    })
  })
  expect(second?.equals(cid)).toBe(true)
  expect(dag.isComplete(cid)).toBe(true)
})

both('has the old epoch in force after a run was cancelled, and judges as exactly afterwards', async () => {
  const dag = new Dag()
  const first = await add(dag, 'first', 'part')
  const lone = dag.leaf('lone')
  await dag.mark(slow(dag))
  dag.claimed.delete(first.claim)
  const second = await add(dag, 'second', 'part')
  await cancelScope(async (scope) => {
    await taskGroup((group) => {
      group.spawn(() => dag.mark(slow(dag)))
      group.spawn(async () => {
        for (let at = 0; at < 12; at += 1) await checkpoint()
        scope.cancel()
      })
    })
  }).catch(() => undefined)
  if (dag.epochs.epoch === 1) {
    expect([first.cid, second.cid, lone].map((cid) => dag.isLive(cid))).toEqual([true, true, false])
  }
  await dag.mark(slow(dag))
  dag.compact()
  expect(dag.isComplete(second.cid)).toBe(true)
  expect([dag.has(first.cid), dag.has(lone)]).toEqual([false, false])
})

it('leaves the old epoch in force wherever it is cancelled', async () => {
  const { cancellations } = await cancelAtEveryStep(async (victim) => {
    const dag = new Dag(2)
    const first = await add(dag, 'first', 'part')
    const lone = dag.leaf('lone')
    await dag.mark(slow(dag))
    dag.claimed.delete(first.claim)
    const second = await add(dag, 'second', 'part')
    const keys = dag.catalog.keys()
    const before = keys.filter((key) => dag.epochs.isLive(dag.catalog.find(key)!))
    const report = await victim(() => dag.mark(slow(dag)))
    expect(dag.epochs.running).toBe(false)
    if (report === undefined && dag.epochs.epoch === 1) {
      expect(keys.filter((key) => dag.epochs.isLive(dag.catalog.find(key)!))).toEqual(before)
    }
    await dag.mark(slow(dag))
    dag.compact()
    expect(dag.isComplete(second.cid)).toBe(true)
    expect([dag.has(first.cid), dag.has(lone)]).toEqual([false, false])
  })
  expect(cancellations).toBeGreaterThan(15)
})

it('can be cancelled while it cleans up after an abandoned run', async () => {
  await cancelAtEveryStep(async (victim) => {
    const dag = new Dag(2)
    const { cid } = await add(dag, 'tree', 'part')
    const leaves = Array.from({ length: 40 }, (_, at) => dag.leaf(`lone ${at}`))
    dag.epochs.begin()
    for (const key of dag.catalog.keys()) dag.epochs.reach(dag.catalog.find(key)!)
    dag.epochs.abandon()
    await victim(() => dag.mark(slow(dag)))
    await dag.mark(slow(dag))
    dag.compact()
    expect(dag.isComplete(cid)).toBe(true)
    expect(leaves.some((leaf) => dag.has(leaf))).toBe(false)
  })
})
