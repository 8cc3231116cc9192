/** The command as a real process. */
import { execFile } from 'node:child_process'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openBlocks } from '@ipfs-kit/blocks'
import { type JournalOptions, openJournal } from '@ipfs-kit/journal'
import { expect, test } from 'vitest'
import { temporaryFolder } from './served-journal.ts'

const script = fileURLToPath(new URL('../src/cli.ts', import.meta.url))

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

function command(
  cwd: string,
  args: readonly string[],
  { stdin = '', env = {} }: { readonly stdin?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<Ended> {
  return new Promise((resolve) => {
    const node = ['--conditions=@ipfs-kit/source', script]
    const options = { env: { ...process.env, ...env }, cwd }
    const child = execFile(process.execPath, [...node, ...args], options, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, stdout, stderr })
    })
    child.stdin!.end(stdin)
  })
}

/** A home as a node leaves it, and its journal with its blocks, open. */
async function openHome(home: string, options: Partial<JournalOptions> = {}) {
  await using opening = new AsyncDisposableStack()
  const blocks = opening.use(await openBlocks({ path: join(home, 'blocks') }))
  const journal = opening.use(await openJournal({ path: join(home, 'journal'), blocks, ...options }))
  const resources = opening.move()
  return { journal, blocks, [Symbol.asyncDispose]: () => resources.disposeAsync() }
}

async function leftHome(): Promise<string> {
  const home = await temporaryFolder()
  await using opened = await openHome(home)
  await opened.journal.write('/notes/today.txt', Buffer.from('hello'), { parents: true })
  return home
}

test('the tree is read and changed, by --path and in the home', async () => {
  const home = await leftHome()
  const run = (args: string[], stdin?: string) =>
    command(home, [...args, '--path', 'journal'], stdin === undefined ? {} : { stdin })
  expect(await run(['read', '/notes/today.txt'])).toEqual({ code: 0, stdout: 'hello', stderr: '' })
  expect((await run(['write', '/notes/today.txt', '--append'], ' world')).code).toBe(0)
  expect((await run(['cp', '/notes', '/copy'])).code).toBe(0)
  const listed = await command(home, ['ls', '--json'], { env: { IPFS_KIT_HOME: home } })
  expect(JSON.parse(listed.stdout)).toMatchObject({ entries: [{ name: 'copy' }, { name: 'notes' }] })
  expect((await run(['status'])).stdout).toMatch(/^open, 3 changes, 3 of them in no checkpoint\n/)
  const { stdout: root } = await run(['flush'])
  expect((await run(['checkpoint'])).stdout).toBe(`${root.trim()}, with 3 changes\n`)
  expect((await run(['diff', 'checkpoint:3', 'live', '/notes'])).stdout).toBe('')
  expect((await run(['verify'])).stdout).toContain(' are in order (')
  await using opened = await openHome(home)
  expect(opened.journal.recovery).toMatchObject({ changes: 0, checkpoint: { sequence: 3 } })
  expect(String(await opened.journal.flush())).toBe(root.trim())
})

test('no checkpoint goes that others want to be kept', async () => {
  const home = await temporaryFolder()
  {
    await using opened = await openHome(home, { keepCheckpoints: 10 })
    for (let at = 0; at < 6; at += 1) {
      await opened.journal.mkdir(`/${at}`)
      await opened.journal.checkpoint()
    }
  }
  expect((await command(home, ['mkdir', '/new', '--path', 'journal'])).code).toBe(0)
  expect((await command(home, ['checkpoint', '--path', 'journal'])).code).toBe(0)
  await using opened = await openHome(home, { keepCheckpoints: 10 })
  expect(opened.journal.checkpoints().map(({ sequence }) => sequence)).toEqual([7, 6, 5, 4, 3, 2, 1])
})

test('a journal that a process has open is refused, and so is a path that is a node’s', async () => {
  const home = await leftHome()
  const content = await command(home, ['cp', '/ipfs/bafkqaaa', '/empty', '--path', 'journal'])
  expect([content.code, content.stderr]).toEqual([2, expect.stringContaining('ipfs-kit fs knows those')])
  await using opened = await openHome(home)
  const refused = await command(home, ['ls', '--path', 'journal'])
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('JOURNAL_LOCKED')])
  expect(refused.stderr).toContain('a server answers the same by ipfs-kit fs')
  expect(opened.journal.stats().state).toBe('open')
})

test('what is not there is not made', async () => {
  const folder = await temporaryFolder()
  expect((await command(folder, ['ls', '--path', 'none/journal'])).code).toBe(3)
  await mkdir(join(folder, 'journal'))
  const empty = await command(folder, ['ls', '--path', 'journal'])
  expect([empty.code, empty.stderr]).toEqual([3, expect.stringContaining('JOURNAL_NOT_THERE')])
  const home = await leftHome()
  const wrong = await command(home, ['ls', '--path', 'journal', '--blocks', 'none'])
  expect([wrong.code, wrong.stderr]).toEqual([3, expect.stringContaining('nothing is in ')])
  expect((await command(home, ['ls'], { env: { IPFS_KIT_HOME: '' } })).code).toBe(2)
  expect([await readdir(folder), (await readdir(home)).sort()]).toEqual([['journal'], ['blocks', 'journal']])
})
