import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import { simDisk } from '@ipfs-kit/disk'
import { decode } from '@ipld/dag-pb'
import type { Journal, TreeDamage, TreeVerified } from '@ipfs-kit/journal'
import { expect, test } from 'vitest'
import { damageBlock } from './damage.ts'
import { openOn } from './open-on.ts'
import { treeOf } from './tree-of.ts'

const each = forEachBackend(test, { seeds: 10 })
const bytes = (text: string) => Buffer.from(text)
const mebibyte = 1024 * 1024

async function verified(
  journal: Journal,
): Promise<{ damages: TreeDamage[]; sum: TreeVerified; told: TreeVerified[] }> {
  const damages: TreeDamage[] = []
  const told: TreeVerified[] = []
  const running = journal.verify({ onProgress: (progress) => told.push(progress) })
  for (;;) {
    const { done, value } = await running.next()
    if (done === true) return { damages, sum: value, told }
    damages.push(value)
  }
}

test('all blocks of the tree are read, each once', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }))
  const { journal } = opened
  const large = Buffer.alloc(3 * mebibyte + 5)
  for (let at = 0; at < 3 * mebibyte; at += 4096) large.writeUInt32LE(at, at)
  await journal.write('/d/large', large, { parents: true })
  await journal.write('/d/small', bytes('small'))
  await journal.cp('/d/small', '/d/again')
  await journal.checkpoint()
  await journal.write('/new/small', bytes('other'), { parents: true })
  await journal.rm('/d/again')
  const { damages, sum, told } = await verified(journal)
  expect(damages).toEqual([])
  // Leaves and their root, two small files; the root folder and d as they were last written.
  expect(sum).toMatchObject({ files: 3, folders: 3, blocks: 5 + 2 + 2, missing: 0, invalid: 0 })
  expect(sum.bytes).toBeGreaterThan(large.length + 10)
  expect(told.at(-1)).toEqual(sum)
  expect(told.some(({ blocks }) => blocks > 0 && blocks < sum.blocks)).toBe(true)
})

each('what is missing or damaged is told with its path, and what is behind it is looked at', async () => {
  const disk = simDisk({ seed: 1 })
  await using opened = await openOn(disk)
  const { journal, blocks } = opened
  for (const name of ['a', 'b', 'c', 'd']) {
    await journal.write(`/${name}/in/f`, bytes(`file ${name} `.repeat(20)), { parents: true })
  }
  await journal.checkpoint()
  const folder = (await journal.stat('/a/in')).cid!
  const file = (await journal.stat('/b/in/f')).cid!
  const damaged = (await journal.stat('/c/in/f')).cid!
  await blocks.delete(folder)
  await blocks.delete(file)
  await damageBlock(disk, (await blocks.get(damaged))!)
  const { damages, sum } = await verified(journal)
  expect(damages.map(({ path, cid, problem }) => `${problem} ${path} ${cid}`).toSorted()).toEqual([
    `missing /a/in ${folder}`,
    `missing /b/in/f ${file}`,
    `missing /c/in/f ${damaged}`,
  ])
  expect(sum).toMatchObject({ missing: 3, invalid: 0, files: 1, folders: 1 + 4 + 3 })
})

test('of a folder of many shards, and of a large file, all that is there is looked at', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }), { segmentBytes: 4 * mebibyte })
  const { journal, blocks } = opened
  for (let nth = 0; nth < 400; nth += 1) {
    await journal.write(`/large/${'n'.repeat(800)}${nth}`, bytes(`${nth}`), { parents: true })
  }
  const content = Buffer.alloc(4 * mebibyte)
  for (let at = 0; at < content.length; at += 4096) content.writeUInt32LE(at, at)
  await journal.write('/file', content)
  const cid = await journal.flush('/large')
  const whole = await verified(journal)
  expect(whole.sum).toMatchObject({ files: 401, missing: 0 })
  const shard = decode((await blocks.get(cid))!).Links.find(({ Name = '' }) => Name.length === 2)!.Hash
  const leaf = decode((await blocks.get((await journal.stat('/file')).cid!))!).Links[1]!.Hash
  await blocks.delete(shard)
  await blocks.delete(leaf)
  const { damages, sum } = await verified(journal)
  expect(damages.map(({ path, cid: block }) => `${path} ${block}`).toSorted()).toEqual([
    `/file ${leaf}`,
    `/large ${shard}`,
  ])
  expect(sum.files).toBeGreaterThan(390)
  expect(sum.files).toBeLessThan(401)
})

test('a shard that two folders have in common is lost once', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }), { segmentBytes: 4 * mebibyte })
  const { journal, blocks } = opened
  for (let nth = 0; nth < 400; nth += 1) {
    await journal.write(`/large/${'n'.repeat(800)}${nth}`, bytes(`${nth}`), { parents: true })
  }
  await journal.cp('/large', '/copy')
  // So that only their roots are not the same.
  await journal.setMetadata('/copy', { mode: 0o700 })
  const cid = await journal.flush('/large')
  const shard = decode((await blocks.get(cid))!).Links.find(({ Name = '' }) => Name.length === 2)!.Hash
  await blocks.delete(shard)
  const { damages, sum } = await verified(journal)
  expect(damages.map(({ cid: block }) => String(block))).toEqual([String(shard)])
  expect(sum.missing).toBe(1)
})

each('what is verified stays until that is over, and is the tree as it was', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }), { keepCheckpoints: 1 })
  const { journal, blocks } = opened
  for (const name of ['a', 'b', 'c']) await journal.write(`/${name}/f`, bytes(name), { parents: true })
  await journal.checkpoint()
  await journal.write('/d', bytes('d'))
  let isFirst = true
  const running = journal.verify({
    onProgress: () => {
      isFirst = false
    },
  })
  const next = running.next()
  while (isFirst) await journal.stat('/')
  for (const name of ['a', 'b', 'c', 'd']) await journal.rm(`/${name}`, { recursive: true })
  await journal.checkpoint()
  await blocks.collect()
  expect(await next).toMatchObject({ done: true, value: { files: 4, missing: 0 } })
  expect(journal.roots()).toHaveLength(2)
})

each('a verification ends when it is cancelled, and when the journal is closed', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }))
  const { journal } = opened
  await journal.mkdir('/a')
  await journal.checkpoint()
  const over = new AbortController()
  const running = journal.verify({ signal: over.signal })
  over.abort(new Error('enough'))
  await expect(running.next()).rejects.toThrow('enough')
  await journal.close()
  await expect(journal.verify().next()).rejects.toMatchObject({ code: 'JOURNAL_CLOSED' })
  await expect(journal.recover()).rejects.toMatchObject({ code: 'JOURNAL_CLOSED' })
})

/** A journal with three checkpoints and a change behind them. */
async function someCheckpoints() {
  const disk = simDisk({ seed: 1 })
  const opened = await openOn(disk)
  const { journal } = opened
  for (const name of ['a', 'b', 'c']) {
    await journal.write(`/d/${name}/f`, bytes(name), { parents: true })
    await journal.checkpoint()
  }
  await journal.write('/last', bytes('last'))
  return { ...opened, disk, tree: await treeOf(journal) }
}

each('a whole tree is left as it is by a recovery', async () => {
  const { journal, tree, ...opened } = await someCheckpoints()
  await using _opened = opened
  await using transaction = journal.begin()
  await transaction.mkdir('/t')
  expect(await journal.recover()).toEqual({
    verified: expect.objectContaining({ folders: 5, missing: 0 }),
    damages: [],
  })
  expect(await treeOf(journal)).toEqual(tree)
  await transaction.commit()
})

each('folders that are lost are made anew from an older checkpoint and the log', async () => {
  const { journal, blocks, disk, tree, ...opened } = await someCheckpoints()
  await using _opened = opened
  const lost = (await journal.stat('/d')).cid!
  await blocks.delete(lost)
  const changed = journal.write('/beside', bytes('beside'))
  const report = await journal.recover()
  await changed
  expect(report.verified).toMatchObject({ missing: 1 })
  expect(report.damages.map(({ path, cid }) => `${path} ${cid}`)).toEqual([`/d ${lost}`])
  expect(report.recovery).toMatchObject({
    checkpoint: { sequence: 2 },
    passed: [{ checkpoint: { sequence: 3 } }],
  })
  const all = new Map([['/beside', 'beside'], ...tree])
  expect(await treeOf(journal)).toEqual(all)
  expect(await blocks.has(lost)).toBe(true)
  await blocks.collect()
  expect((await verified(journal)).damages).toEqual([])
  expect(await journal.recover()).not.toHaveProperty('recovery')
  const next = disk.crash()
  await Promise.allSettled([journal.close(), blocks.close()])
  await using again = await openOn(next)
  expect(await treeOf(again.journal)).toEqual(all)
  expect(again.journal.recovery.passed).toEqual([])
})

each('of two recoveries at once the second finds what the first has made', async () => {
  const { journal, blocks, tree, ...opened } = await someCheckpoints()
  await using _opened = opened
  await blocks.delete((await journal.stat('/d')).cid!)
  const [first, second] = await Promise.all([journal.recover(), journal.recover()])
  expect(first).toHaveProperty('recovery')
  expect(second).toMatchObject({ verified: { missing: 0 }, damages: [] })
  expect(second).not.toHaveProperty('recovery')
  expect(await treeOf(journal)).toEqual(tree)
})

each('a folder that all checkpoints have lost is made anew from the beginning of the log', async () => {
  const { journal, blocks, tree, ...opened } = await someCheckpoints()
  await using _opened = opened
  await blocks.delete((await journal.stat('/d/a')).cid!)
  const { recovery } = await journal.recover()
  expect(recovery).toMatchObject({ changes: 4 })
  expect(recovery).not.toHaveProperty('checkpoint')
  expect(await treeOf(journal)).toEqual(tree)
})

each('what no log leads to stays lost, and the rest as it was', async () => {
  const disk = simDisk({ seed: 1 })
  await using opened = await openOn(disk, { keepCheckpoints: 1 })
  const { journal, blocks } = opened
  await journal.mkdir('/d/a', { parents: true })
  // The log does not go back to its beginning.
  for (let nth = 0; nth < 80; nth += 1) await journal.mkdir(`/${'n'.repeat(900)}${nth}`)
  await journal.checkpoint()
  const { cid } = await journal.stat('/d')
  await blocks.delete(cid!)
  await journal.mkdir('/other')
  const report = await journal.recover()
  expect(report.damages).toMatchObject([{ path: '/d', problem: 'missing' }])
  expect(report).not.toHaveProperty('recovery')
  expect(await journal.stat('/other')).toMatchObject({ kind: 'directory' })
})

each('attributes that are lost are made anew, and transactions end with a conflict', async () => {
  await using opened = await openOn(simDisk({ seed: 1 }))
  const { journal, blocks } = opened
  await journal.mkdir('/a')
  await journal.checkpoint()
  await journal.setAttributes('/a', { owner: 'a' })
  const before = new Set(journal.roots().map(String))
  await journal.checkpoint()
  const marks = journal.roots().find((root) => !before.has(String(root)))!
  expect(await blocks.delete(marks)).toBe(true)
  await using transaction = journal.begin()
  await transaction.mkdir('/t')
  expect(await journal.recover()).toMatchObject({ recovery: { checkpoint: { sequence: 1 }, changes: 1 } })
  expect((await journal.stat('/a')).attributes).toEqual({ owner: 'a' })
  await expect(transaction.commit()).rejects.toMatchObject({ code: 'JOURNAL_CONFLICT' })
})

each('attributes that all checkpoints have lost are stored again, so that an opening has them', async () => {
  const disk = simDisk({ seed: 1 })
  {
    await using opened = await openOn(disk, { keepCheckpoints: 2 })
    const { journal, blocks } = opened
    await journal.mkdir('/a')
    await journal.setAttributes('/a', { owner: 'a' })
    // The log does not go back to its beginning.
    for (let nth = 0; nth < 160; nth += 1) {
      await journal.mkdir(`/${'n'.repeat(900)}${nth}`)
      if (nth % 80 === 79) await journal.checkpoint()
    }
    // They are DAG-CBOR.
    const marks = journal.roots().find(({ code }) => code === 0x71)!
    expect(await blocks.delete(marks)).toBe(true)
    const report = await journal.recover()
    expect(report).toMatchObject({ damages: [{ path: '/', problem: 'missing' }] })
    expect(report).not.toHaveProperty('recovery')
    expect(await journal.recover()).toMatchObject({ verified: { missing: 0 } })
  }
  await using opened = await openOn(disk, { keepCheckpoints: 2 })
  expect((await opened.journal.stat('/a')).attributes).toEqual({ owner: 'a' })
})

each('an opening whose attributes are lost goes on without them, and says so', async () => {
  const disk = simDisk({ seed: 1 })
  const options = { keepCheckpoints: 2 }
  {
    await using opened = await openOn(disk, options)
    const { journal, blocks } = opened
    await journal.write('/a/x', Buffer.from('x'), { parents: true })
    await journal.setAttributes('/a', { owner: 'a' })
    // The log does not go back to its beginning.
    for (let nth = 0; nth < 160; nth += 1) {
      await journal.mkdir(`/${'n'.repeat(900)}${nth}`)
      if (nth % 80 === 79) await journal.checkpoint()
    }
    await journal.setAttributes('/a/x', { after: 'checkpoint' })
    const marks = journal.roots().find(({ code }) => code === 0x71)!
    expect(await blocks.delete(marks)).toBe(true)
  }
  {
    await using opened = await openOn(disk, options)
    const { journal, blocks } = opened
    expect(journal.recovery).toMatchObject({ attributesLost: { code: 'JOURNAL_BLOCK_MISSING' }, passed: [] })
    expect(journal.health().alerts.map(({ alert }) => alert)).toEqual(['log-damaged'])
    expect(await journal.stat('/a')).not.toHaveProperty('attributes')
    expect((await journal.stat('/a/x')).attributes).toEqual({ after: 'checkpoint' })
    await blocks.collect()
    await journal.checkpoint()
  }
  await using opened = await openOn(disk, options)
  expect(opened.journal.recovery).not.toHaveProperty('attributesLost')
  expect((await opened.journal.stat('/a/x')).attributes).toEqual({ after: 'checkpoint' })
})
