import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { importer } from 'ipfs-unixfs-importer'
import type { CID } from 'multiformats/cid'
import { beforeAll, describe, expect, test } from 'vitest'
import { appFolder, type Ended, jsonLines, run, workspaceFolder } from './command.ts'
import { contentOf, sha256 } from './folder-content.ts'
import { type Agent, agentOverHttp, agentOverStdio, wires } from './mcp-client.ts'
import { all, bytesOf, startServer, type TestServer } from './server.ts'
import { temporaryFolder, temporaryHome } from './temporary-folder.ts'

interface Item {
  readonly path: string
  readonly cid: string
  readonly bytes: number
}

const large = 'large.bin'
const unicode = 'naïve/日本語 ☂.txt'
const empty = 'empty'
let folder: string
let server: TestServer
let added: Ended
let root: string
/** The files of the folder: their paths and SHA-256. */
let files: Record<string, string>

beforeAll(async () => {
  folder = makeFolder()
  files = Object.fromEntries(Object.entries(contentOf(folder)).filter(([path]) => !path.endsWith('/')))
  server = await startServer()
  added = await run(['add', folder, '--json'], { home: server.home })
  root = jsonLines<{ cid: string }>(added.stdout).at(-1)?.cid ?? ''
})

describe('adding a folder of several hundred files', () => {
  test('prints one object for each item and last the summary', () => {
    const lines = jsonLines<Item>(added.stdout)
    const items = lines.slice(0, -1)
    const content = contentOf(folder)
    expect(Object.keys(files).length).toBeGreaterThan(300)
    expect(added).toMatchObject({ code: 0, stderr: '' })
    expect(lines.at(-1)).toEqual({
      cid: root,
      bytes: Object.keys(files).reduce((sum, path) => sum + readFileSync(join(folder, path)).byteLength, 0),
      items: Object.keys(content).length + 1,
      failed: 0,
    })
    for (const item of items) expect(Object.keys(item)).toEqual(['path', 'cid', 'bytes'])
    expect(items.map(({ path }) => path).toSorted()).toEqual(
      ['tree', ...Object.keys(content).map((path) => `tree/${path.replace(/\/$/, '')}`)].toSorted(),
    )
    expect(items.find(({ path }) => path === 'tree')?.cid).toBe(root)
  })

  test("gives the CID that the ecosystem's importer gives", async () => {
    expect(root).toBe(await importedCid())
  })

  test('pins it, and a second time answers the same', async () => {
    const again = await run(['add', folder, '--json'], { home: server.home })
    expect(again.stdout.split('\n').toSorted()).toEqual(added.stdout.split('\n').toSorted())
    expect(await all(await server.client.call('pins.ls', {}))).toEqual([{ cid: root, type: 'recursive' }])
  })
})

describe.concurrent('reading it back gives the same bytes', () => {
  test('by get, as a whole folder', async () => {
    const output = join(temporaryFolder(), 'copy')
    const { code, stdout } = await run(['get', root, '--output', output, '--json'], { home: server.home })
    expect(contentOf(output)).toEqual(contentOf(folder))
    const { bytes, items, failed } = jsonLines(added.stdout).at(-1) ?? {}
    expect([code, jsonLines(stdout)]).toEqual([0, [{ output, bytes, items, failed }]])
  })

  test('by cat, file by file and by range', async () => {
    const paths = [large, unicode, empty]
    const answers = await Promise.all(
      paths.map((path) => run(['cat', `${root}/${path}`], { home: server.home })),
    )
    for (const [index, path] of paths.entries()) {
      expect([path, answers[index]?.code, sha256(answers[index]?.bytes ?? Buffer.alloc(1))]).toEqual([
        path,
        0,
        files[path],
      ])
    }
    const range = await run(['cat', `${root}/${large}`, '--offset', '1048570', '--length', '12'], {
      home: server.home,
    })
    expect(range.bytes).toEqual(readFileSync(join(folder, large)).subarray(1_048_570, 1_048_582))
  })

  test('by the gateway, every fourth file', async () => {
    const wrong: string[] = []
    for (const [path, hash] of Object.entries(files).filter((_, index) => index % 4 === 0)) {
      const answer = await fetch(`${server.gatewayUrl}/ipfs/${root}/${encodePath(path)}`)
      if (answer.status !== 200 || sha256(await answer.bytes()) !== hash) wrong.push(path)
    }
    expect(wrong).toEqual([])
  })

  test('by REST, every fourth file', async () => {
    const wrong: string[] = []
    for (const [path, hash] of Object.entries(files).filter((_, index) => index % 4 === 2)) {
      const answer = await server.request(`files/cat?cid=${encodeURIComponent(`${root}/${path}`)}`)
      if (answer.status !== 200 || sha256(await answer.bytes()) !== hash) wrong.push(path)
    }
    expect(wrong).toEqual([])
  })

  test('by the client', async () => {
    const content = await server.client.call('files.cat', { cid: `${root}/${large}` })
    expect(sha256(await bytesOf(content.body))).toBe(files[large])
  })

  test.each(wires)('by storage_read over HTTP on the wire %s', async (wire) => {
    const agent = await agentOverHttp(server, wire)
    for (const path of [large, unicode, empty, 'pnpm-lock.yaml']) {
      expect([path, sha256(await readAll(agent, path))]).toEqual([path, files[path]])
    }
  })

  test('by storage_read over stdio, joined to the server', async () => {
    const agent = await agentOverStdio(server.home, '2025-11-25')
    expect(await agent.call('node_status')).toMatchObject({ pid: server.process.pid, role: 'server' })
    for (const path of [large, unicode, empty, 'pnpm-lock.yaml']) {
      expect([path, sha256(await readAll(agent, path))]).toEqual([path, files[path]])
    }
  })

  test('by a content archive that another home imports', async () => {
    const other = temporaryHome()
    const archive = await run(['car', 'export', root], { home: server.home })
    const imported = await run(['car', 'import', '--json'], { home: other, stdin: archive.bytes })
    expect(jsonLines(imported.stdout)).toMatchObject([{ roots: [root] }])
    const { bytes } = await run(['cat', `${root}/${large}`], { home: other })
    expect(sha256(bytes)).toBe(files[large])
  })
})

/** Sources, documents and a package of this workspace, with what is rarer among them: a large, an empty and an oddly named file. */
function makeFolder(): string {
  const tree = join(temporaryFolder(), 'tree')
  for (const name of ['README.md', 'pnpm-lock.yaml', 'package.json'])
    cpSync(join(workspaceFolder, name), join(tree, name))
  for (const area of ['packages', 'apps']) {
    for (const name of readdirSync(join(workspaceFolder, area))) {
      const source = join(workspaceFolder, area, name, 'src')
      if (existsSync(source)) cpSync(source, join(tree, area, name, 'src'), { recursive: true })
    }
  }
  cpSync(join(appFolder, 'node_modules/multiformats'), join(tree, 'multiformats'), {
    recursive: true,
    dereference: true,
  })
  writeFileSync(join(tree, large), pattern(3 * 1_048_576))
  writeFileSync(join(tree, empty), '')
  mkdirSync(join(tree, dirname(unicode)))
  writeFileSync(join(tree, unicode), 'ein Regenschirm ☂\n')
  return tree
}

/** Bytes that do not repeat from block to block and are no text. */
function pattern(length: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let at = 0, value = 1; at < length; at += 4) {
    value = (Math.imul(value, 1_664_525) + 1_013_904_223) >>> 0
    bytes.writeUInt32LE(value, at)
  }
  return bytes
}

async function importedCid(): Promise<string> {
  const store = { put: async (cid: CID) => cid }
  const source = Object.keys(files).map((path) => ({
    path: `tree/${path}`,
    content: readFileSync(join(folder, path)),
  }))
  let cid: CID | undefined
  for await (const entry of importer(source, store as never, { profile: 'unixfs-v1-2025' })) cid = entry.cid
  return String(cid)
}

async function readAll(agent: Agent, path: string): Promise<Buffer> {
  const pieces: Buffer[] = []
  for (let offset = 0; ;) {
    const read = await agent.call<{ text?: string; base64?: string; size: number; length: number }>(
      'storage_read',
      {
        address: `${root}/${path}`,
        offset,
      },
    )
    pieces.push(read.base64 === undefined ? Buffer.from(read.text ?? '') : Buffer.from(read.base64, 'base64'))
    offset += read.length
    if (offset >= read.size) return Buffer.concat(pieces)
    if (read.length === 0) throw new Error(`Nothing more of ${path} at ${offset}`)
  }
}

function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/')
}
