import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { call, connect, refusal, wires } from './mcp-client.ts'
import { anyPorts, pattern, serve, serveOnce, type Site } from './serving.ts'

let site: Site
beforeAll(async () => {
  site = await serve({ config: { ...anyPorts, mcp: { areas: ['fs', 'journal'] } } })
})
afterAll(() => site.close())

const isOfTree = ({ name }: { readonly name: string }): boolean => /^(fs|journal)_/.test(name)

it('the operations on the tree are tools where the settings ask for their area', async () => {
  const asking = await serveOnce({ config: { ...anyPorts, mcp: { areas: ['fs'] } } })
  const { tools } = await (await connect('2026-07-28', asking)).listTools()
  const ofTree = tools.filter(isOfTree)
  const names = ofTree.map(({ name }) => name)
  expect(names).toEqual(expect.arrayContaining(['fs_ls', 'fs_mv', 'fs_put', 'fs_read-file', 'fs_write-file']))
  expect(names.filter((name) => name.startsWith('journal_'))).toEqual([])
  const all = (await (await connect('2026-07-28', site)).listTools()).tools
  expect(all.map(({ name }) => name)).toEqual(expect.arrayContaining([...names, 'journal_plot-svg']))
})

it('without the settings none of them is a tool', async () => {
  const client = await connect('2026-07-28', await serveOnce({ config: anyPorts }))
  expect((await client.listTools()).tools.filter(isOfTree)).toEqual([])
  for (const name of ['fs_read-file', 'fs_write-file', 'journal_plot-svg']) {
    await expect(client.callTool({ name, arguments: {} })).rejects.toMatchObject({ code: -32602 })
  }
})

it('REST takes and gives as much, for agents whose process has joined the server', async () => {
  const path = '/over-rest'
  const text = 'ü'.repeat(524_288)
  const base64 = Buffer.from(text).toString('base64')
  const written = await site.call('fs.write-file', { path, base64 })
  expect([written.status, JSON.parse(written.text)]).toEqual([200, { path, bytes: 1_048_576 }])
  const read = await site.call('fs.read-file', { path, length: 1_048_576 })
  expect(JSON.parse(read.text)).toMatchObject({ size: 1_048_576, length: 1_048_576, text })
})

describe.each(wires)('on the wire %s', (wire) => {
  const folder = `/${wire}`

  it('each tool has annotations, and describes what it takes', async () => {
    const { tools } = await (await connect(wire, site)).listTools()
    const ofTree = tools.filter(isOfTree)
    expect(ofTree.length).toBeGreaterThan(0)
    for (const { name, title, inputSchema, outputSchema } of ofTree) {
      expect(title, name).toBeTruthy()
      expect(outputSchema?.type, name).toBe('object')
      for (const property of Object.values(inputSchema.properties ?? {})) {
        expect(property, name).toHaveProperty('description')
      }
    }
    const hintsOf = (tool: string): unknown => ofTree.find(({ name }) => name === tool)?.annotations
    expect(hintsOf('fs_read-file')).toMatchObject({ readOnlyHint: true, destructiveHint: false })
    expect(hintsOf('fs_write-file')).toMatchObject({ destructiveHint: true, idempotentHint: false })
    expect(hintsOf('journal_plot-svg')).toMatchObject({ readOnlyHint: true, destructiveHint: false })
  })

  it('files are written, changed and read by their path', async () => {
    const client = await connect(wire, site)
    const path = `${folder}/notes/today.md`
    expect(await call(client, 'fs_write-file', { path, text: 'Grüße', parents: true })).toEqual({
      path,
      bytes: 7,
    })
    await call(client, 'fs_write-file', { path, base64: 'IQ==', append: true })
    await call(client, 'fs_write-file', { path, text: 'g', offset: 0 })
    const { cid } = await call(client, 'fs_stat', { path })
    expect(await call(client, 'fs_read-file', { path })).toEqual({
      ...{ path, cid, size: 8, offset: 0, length: 8, text: 'grüße!' },
    })
    expect(await call(client, 'fs_read-file', { path, offset: 2, length: 3 })).toMatchObject({
      ...{ offset: 2, length: 2, text: 'ü' },
    })
    await call(client, 'fs_truncate', { path, size: 2 })
    expect(await call(client, 'fs_read-file', { path })).toMatchObject({ size: 2, text: 'gr' })

    const image = pattern(1_048_576, 7)
    const at = { path: `${folder}/notes/a.png` }
    await call(client, 'fs_write-file', { ...at, base64: image.toString('base64') })
    const rest = await call(client, 'fs_read-file', { ...at, offset: 1_000_000, length: 65_536 })
    expect(rest).toMatchObject({ size: 1_048_576, length: 48_576 })
    expect(Buffer.from(rest.base64, 'base64').equals(image.subarray(1_000_000))).toBe(true)
  })

  it('content goes into the tree by its CID, and comes from it', async () => {
    const client = await connect(wire, site)
    const path = `${folder}/put/note.txt`
    const { cid } = await call(client, 'storage_write', { name: 'note.txt', text: 'a note' })
    await call(client, 'fs_put', { path, cid, parents: true })
    const listed = await call(client, 'fs_ls', { path: `${folder}/put` })
    expect(listed.entries).toMatchObject([{ name: 'note.txt', type: 'file' }])
    const read = await call(client, 'fs_read-file', { path })
    expect(read).toMatchObject({ text: 'a note', cid })
    expect(await call(client, 'storage_read', { address: read.cid })).toMatchObject({ text: 'a note' })
  })

  it('writes of a transaction are seen by others when it commits', async () => {
    const client = await connect(wire, site)
    const path = `${folder}/in-transaction`
    const { id } = await call(client, 'journal_begin')
    const input = { path, text: 'f', append: true, create: true, parents: true, transaction: id }
    await call(client, 'fs_write-file', input)
    expect(await call(client, 'fs_read-file', { path, transaction: id })).toMatchObject({ text: 'f' })
    expect(await refusal(client, 'fs_read-file', { path })).toMatch(/^JOURNAL_NOT_FOUND: /)
    await call(client, 'journal_commit', { id })
    expect(await call(client, 'fs_read-file', { path })).toMatchObject({ text: 'f' })
  })

  it('the growth of the tree is drawn, as a text that is the drawing', async () => {
    const client = await connect(wire, site)
    await call(client, 'journal_checkpoint')
    const { content, structuredContent } = await client.callTool({ name: 'journal_plot-svg', arguments: {} })
    const { svg } = structuredContent as { readonly svg: string }
    expect(svg).toMatch(/^<svg [^]*<\/svg>\s*$/)
    expect(content).toEqual([{ type: 'text', text: svg }])
    const { samples } = await call(client, 'journal_samples')
    expect(svg).toContain(samples.at(-1).at.slice(0, 10))
  })

  it('what cannot be is refused with what to do', async () => {
    const client = await connect(wire, site)
    const path = `${folder}/f`
    await call(client, 'fs_write-file', { path, text: 'abc', create: true, parents: true })
    const { cid } = await call(client, 'fs_flush', { path: folder })
    await call(client, 'fs_mount', { path: `/mount-${wire}`, cid })
    for (const [name, input, code] of [
      ['fs_read-file', { path: folder }, 'JOURNAL_NOT_A_FILE'],
      ['fs_read-file', { path: `${folder}/none` }, 'JOURNAL_NOT_FOUND'],
      ['fs_read-file', { path: `${folder}/../f` }, 'JOURNAL_INVALID_PATH'],
      ['fs_read-file', { path: `${path}\0` }, 'JOURNAL_INVALID_PATH'],
      ['fs_read-file', { path, offset: 4 }, 'JOURNAL_RANGE'],
      ['fs_read-file', { path, offset: -1 }, 'OPERATION_INVALID_INPUT'],
      ['fs_read-file', { path, offset: null }, 'OPERATION_INVALID_INPUT'],
      ['fs_read-file', { path, length: 1_048_577 }, 'OPERATION_INVALID_INPUT'],
      ['fs_read-file', { path, transaction: 'none' }, 'JOURNAL_TRANSACTION_UNKNOWN'],
      ['fs_write-file', { path: folder, text: '' }, 'JOURNAL_NOT_A_FILE'],
      ['fs_write-file', { path: `${folder}/none/f`, text: '' }, 'JOURNAL_NOT_FOUND'],
      ['fs_write-file', { path: `/mount-${wire}/f`, text: '' }, 'JOURNAL_READ_ONLY'],
      ['fs_write-file', { path }, 'OPERATION_INVALID_INPUT'],
      ['fs_write-file', { path, text: '', base64: '' }, 'OPERATION_INVALID_INPUT'],
      ['fs_write-file', { path, base64: 'x' }, 'OPERATION_INVALID_INPUT'],
      ['fs_write-file', { path, text: '', offset: 0, append: true }, 'OPERATION_INVALID_INPUT'],
      ['fs_write-file', { path, text: 'ä'.repeat(524_289) }, 'OPERATION_BODY_TOO_LARGE'],
      ['fs_write-file', { path, text: '', transaction: 'none' }, 'JOURNAL_TRANSACTION_UNKNOWN'],
      ['journal_plot-svg', { format: 'html' }, 'OPERATION_INVALID_INPUT'],
    ] as const) {
      const text = await refusal(client, name, input)
      expect(text, `${name} ${JSON.stringify(input).slice(0, 100)}`).toMatch(
        new RegExp(`^${code}: .+\\. .+\\.$`, 's'),
      )
    }
    expect(await call(client, 'fs_read-file', { path })).toMatchObject({ text: 'abc' })
  })
})
