import { join } from 'node:path'
import { openJournal } from '@ipfs-kit/journal'
import { CID } from 'multiformats/cid'
import { expect, test } from 'vitest'
import { callOf, printed, servedJournal, textOf } from './served-journal.ts'

const absent = 'bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq'
const body = (text: string) => ({ body: Buffer.from(text) })

test('the history of the tree is numbers, a page and a drawing', async () => {
  const { call } = await servedJournal({ clock: () => Date.UTC(2026, 0, 1) })
  await call('fs.write', { path: '/f' }, body('hello'))
  await call('journal.checkpoint', {})
  const { samples } = await call('journal.samples', {})
  expect(samples).toMatchObject([{ at: '2026-01-01T00:00:00.000Z', sequence: 1 }])
  const page = await call('journal.plot', {})
  expect(page.mediaType).toMatch(/^text\/html/)
  expect(await textOf(page)).toContain(`<td>${samples[0]!.treeBytes}</td>`)
  const svg = await call('journal.plot', { format: 'svg' })
  expect(svg.mediaType).toBe('image/svg+xml')
  const drawing = await textOf(svg)
  expect(drawing).toMatch(/^<svg /)
  const drawn = await call('journal.plot-svg', {})
  expect(drawn).toEqual({ svg: drawing })
  expect(printed('journal.plot-svg', drawn)).toBe(drawing)
})

test('the status tells of changes, checkpoints and the recovery', async () => {
  const { call } = await servedJournal()
  await call('fs.mkdir', { path: '/d' })
  const before = await call('journal.status', {})
  expect(before).toMatchObject({ state: 'open', sequence: 1, changesSinceCheckpoint: 1 })
  expect(before.recovery).toEqual({ changes: 0, dropped: 0, passed: [], findings: [] })
  expect(printed('journal.status', before)).toContain('no checkpoint yet')
  const made = await call('journal.checkpoint', {})
  expect(made).toMatchObject({ sequence: 1 })
  const after = await call('journal.status', {})
  expect(after).toMatchObject({ changesSinceCheckpoint: 0, checkpoint: made })
  expect(printed('journal.status', after)).toContain(`checkpoint ${made.cid}`)
})

test('the tree is given a name, and checkpoints are listed', async () => {
  const { call, ipfs } = await servedJournal()
  expect(printed('fs.snapshots', await call('fs.snapshots', {}))).toBe('none')
  await call('fs.write', { path: '/f' }, body('one'))
  const one = await call('fs.snapshot', { name: 'one' })
  expect(one).toMatchObject({ name: 'one', sequence: 1 })
  await call('fs.write', { path: '/f' }, body('two'))
  await call('journal.checkpoint', {})
  const { checkpoints } = await call('journal.checkpoints', {})
  expect(checkpoints.map(({ sequence }) => sequence)).toEqual([2, 1])
  const listed = await call('fs.snapshots', {})
  expect(listed).toEqual({ snapshots: [one] })
  expect(printed('fs.snapshots', listed)).toBe(`${one.cid}  ${one.at}  1 changes  one`)
  await expect(call('fs.snapshot', { name: 'one' })).rejects.toMatchObject({
    code: 'JOURNAL_SNAPSHOT_EXISTS',
  })
  await expect(call('fs.snapshot', { name: 'a/b' })).rejects.toMatchObject({ code: 'JOURNAL_INVALID_NAME' })
  await ipfs.repo.gc()
  const { body: bytes } = await ipfs.files.cat(`${one.cid}/f`)
  expect(await textOf({ body: bytes })).toBe('one')
  await call('fs.remove-snapshot', { name: 'one' })
  await expect(call('fs.remove-snapshot', { name: 'one' })).rejects.toMatchObject({
    code: 'JOURNAL_VERSION_UNKNOWN',
  })
})

test('trees are compared, and what was there is brought back', async () => {
  const { call } = await servedJournal()
  const write = (path: string, text: string) => call('fs.write', { path, parents: true }, body(text))
  const diff = async (input: { from: string; to?: string; path?: string }) => {
    const lines: string[] = []
    for await (const line of await call('fs.diff', input)) lines.push(printed('fs.diff', line)!)
    return lines.sort()
  }
  await write('/d/f', 'one')
  await write('/d/g', 'g')
  await call('fs.snapshot', { name: 'first' })
  const { sequence } = await call('journal.checkpoint', {})
  const { cid } = await call('fs.flush', {})
  await write('/d/f', 'two')
  await write('/new', 'new')
  await call('fs.rm', { path: '/d/g' })
  const all = ['added    /new', 'changed  /d/f', 'removed  /d/g']
  for (const from of ['first', 'snapshot:first', `checkpoint:${sequence}`, cid])
    expect(await diff({ from })).toEqual(all)
  expect(await diff({ from: 'first', path: '/d/f' })).toEqual(['changed  /d/f'])
  expect(await diff({ from: 'live', to: cid, path: '/new' })).toEqual(['removed  /new'])
  for await (const line of await call('fs.diff', { from: 'first', path: '/d/f' }))
    expect(line).toMatchObject({ before: { size: 3, type: 'file' }, after: { size: 3, type: 'file' } })
  await call('fs.restore', { from: 'first', path: '/d/g' })
  expect(await diff({ from: 'first' })).toEqual(['added    /new', 'changed  /d/f'])
  await call('fs.restore', { from: `checkpoint:${sequence}` })
  expect(await diff({ from: 'first' })).toEqual([])
  expect(await textOf(await call('fs.read', { path: '/d/f' }))).toBe('one')
  for (const from of ['none', 'checkpoint:12345', 'snapshot:', 'checkpoint:x'])
    await expect(call('fs.restore', { from })).rejects.toMatchObject({ code: 'JOURNAL_VERSION_UNKNOWN' })
  await expect(call('fs.restore', { from: absent })).rejects.toMatchObject({ code: 'JOURNAL_BLOCK_MISSING' })
})

test('the status tells what the opening has found', async () => {
  const { folder, journal, ipfs, call } = await servedJournal()
  await call('fs.write', { path: '/d/f', parents: true }, body('f'))
  await call('journal.checkpoint', {})
  await call('fs.write', { path: '/d/f' }, body('g'))
  const { cid } = await call('journal.checkpoint', {})
  await journal.close()
  await ipfs.blockstore.delete(CID.parse(cid))
  await using again = await openJournal({
    path: join(folder, 'journal'),
    blocks: ipfs.store,
    segmentBytes: 65_536,
  })
  const told = await callOf(again, ipfs)('journal.status', {})
  expect(told.recovery.passed).toMatchObject([
    { checkpoint: { cid }, reason: { code: 'JOURNAL_BLOCK_MISSING' } },
  ])
  expect(printed('journal.status', told)).toContain(`passed by checkpoint ${cid}`)
})

test('what is wrong with the tree is told, and the log brings back what it can', async () => {
  const { call, ipfs } = await servedJournal()
  await call('fs.write', { path: '/d/f', parents: true }, { body: Buffer.alloc(3_000_000, 'f') })
  await call('journal.checkpoint', {})
  await call('fs.write', { path: '/d/g' }, body('g'))
  const verify = async () => {
    const lines: string[] = []
    for await (const line of await call('journal.verify', {})) lines.push(printed('journal.verify', line)!)
    return lines
  }
  expect(await verify()).toEqual([
    expect.stringMatching(/^\d+ blocks of 2 files and 2 folders are in order \(\d+ bytes\), 0 are not$/),
  ])
  const whole = await call('journal.recover', {})
  expect(whole).toMatchObject({ damages: [], verified: { failed: 0 } })
  expect(whole.recovery).toBeUndefined()
  expect(printed('journal.recover', whole)).toMatch(
    /^looked through 2 folders: \d+ blocks are in order .* 0 are not; verify tells of the content of files$/,
  )

  const { cid } = await call('fs.flush', { path: '/d' })
  await ipfs.blockstore.delete(CID.parse(cid))
  const made = await call('journal.recover', {})
  expect(made).toMatchObject({
    damages: [{ path: '/d', cid, problem: 'missing' }],
    recovery: { checkpoint: { sequence: 1 }, changes: 1 },
  })
  expect(printed('journal.recover', made)).toContain(`missing  ${cid}  /d\n`)
  expect(await textOf(await call('fs.read', { path: '/d/g' }))).toBe('g')
  const { cid: file } = await call('fs.stat', { path: '/d/g' })
  await ipfs.blockstore.delete(CID.parse(file!))
  expect(await verify()).toEqual([
    `missing  ${file}  /d/g`,
    expect.stringMatching(/ are in order \(\d+ bytes\), 1 are not$/),
  ])
})

test('the history of a path tells its changes, and what it was in the trees that are kept', async () => {
  const { call } = await servedJournal()
  expect(printed('fs.history', await call('fs.history', { path: '/none' }))).toBe('nothing is known of it')
  await call('fs.write', { path: '/old' }, body('one'))
  await call('fs.snapshot', { name: 'first' })
  await call('fs.mv', { from: '/old', to: '/new' })
  await call('fs.write', { path: '/new' }, body('two'))
  const history = await call('fs.history', { path: '/new' })
  expect(history.changes).toMatchObject([
    { sequence: 3, change: 'put', path: '/new', cid: (await call('fs.stat', { path: '/new' })).cid },
    { sequence: 2, change: 'mv', from: '/old', path: '/new' },
    { sequence: 1, change: 'put', path: '/old' },
  ])
  expect(history.versions).toMatchObject([
    { snapshot: 'first', sequence: 1, path: '/old', stat: { type: 'file', size: 3 } },
  ])
  const lines = printed('fs.history', history)!
  expect(lines).toMatch(/ {2}mv {2}\/old to \/new {2}\(change 2\)\n/)
  expect(lines).toMatch(/ {2}snapshot:first {2}\/old {2}bafk\w+$/)
  expect((await call('fs.history', { path: '/new', limit: 1 })).changes).toHaveLength(1)
})
