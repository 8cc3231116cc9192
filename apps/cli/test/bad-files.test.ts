import { chmodSync, chownSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ended, jsonLines, run, start } from './command.ts'
import { startServer } from './server.ts'
import { temporaryFolder, temporaryHome } from './temporary-folder.ts'

interface Line {
  readonly path?: string
  readonly cid?: string
  readonly items?: number
  readonly failed?: number | { readonly code: string; readonly message: string }
}

let folder: string
let socket: Server

beforeAll(async () => {
  folder = join(temporaryFolder(), 'folder')
  mkdirSync(join(folder, 'deep/deeper'), { recursive: true })
  writeFileSync(join(folder, 'good'), 'good')
  writeFileSync(join(folder, 'deep/good'), 'good below')
  symlinkSync('../..', join(folder, 'deep/deeper/loop'))
  symlinkSync('itself', join(folder, 'itself'))
  symlinkSync('nothing', join(folder, 'dangling'))
  writeFileSync(Buffer.concat([Buffer.from(join(folder, 'latin-')), Buffer.from([0xe4])]), 'name')
  socket = createServer()
  await new Promise<void>((resolve) => socket.listen(join(folder, 'socket'), resolve))
})

afterAll(() => {
  socket.close()
})

/** What of a folder was added, and what was left out and why. */
function outcomeOf({ stdout }: Ended) {
  const lines = jsonLines<Line>(stdout)
  const failed = lines.filter((line) => typeof line.failed === 'object')
  for (const { failed: why } of failed) expect(why).toMatchObject({ message: expect.stringMatching(/./) })
  const summary = lines.at(-1)
  expect(summary?.failed).toBe(failed.length)
  return {
    added: lines.flatMap(({ path, cid }) => (path === undefined || cid === undefined ? [] : path)).toSorted(),
    failed: Object.fromEntries(failed.map(({ path, failed: why }) => [path, (why as { code: string }).code])),
    root: summary?.cid ?? '',
  }
}

const expected = {
  added: ['folder', 'folder/deep', 'folder/deep/deeper', 'folder/deep/good', 'folder/good'],
  failed: {
    'folder/deep/deeper/loop': 'WALK_LOOP',
    'folder/itself': 'WALK_LOOP',
    'folder/dangling': 'WALK_DANGLING',
    'folder/latin-%E4': 'WALK_NAME',
    'folder/socket': 'WALK_NOT_A_FILE',
  },
}

describe.concurrent('adding a folder with what cannot be added', () => {
  test('tells each item and why, adds the rest, and exits 6', async () => {
    const home = temporaryHome()
    const ended = await run(['add', folder, '--json'], { home })
    expect(ended).toMatchObject({ code: 6, stderr: '' })
    const { root, ...outcome } = outcomeOf(ended)
    expect(outcome).toEqual(expected)
    expect(await run(['cat', `${root}/deep/good`], { home })).toMatchObject({ code: 0, stdout: 'good below' })
  })

  test('does the same through a server, and says it in words', async () => {
    const server = await startServer()
    const ended = await run(['add', folder, '--json'], { home: server.home })
    expect(ended).toMatchObject({ code: 6, stderr: '' })
    const { root, ...outcome } = outcomeOf(ended)
    expect(outcome).toEqual(expected)
    const { code, stdout } = await run(['add', folder], { home: server.home })
    expect(code).toBe(6)
    expect(stdout).toMatch(/^failed {2}folder\/socket {2}It is a socket/m)
    expect(stdout.trimEnd().split('\n').at(-1)).toBe(root)
  })

  test('leaves out files and folders that the user may not read', async () => {
    const place = temporaryFolder()
    mkdirSync(join(place, 'folder/closed'), { recursive: true })
    writeFileSync(join(place, 'folder/good'), 'good')
    writeFileSync(join(place, 'folder/secret'), 'secret')
    writeFileSync(join(place, 'folder/large'), Buffer.alloc(1_500_000))
    writeFileSync(join(place, 'folder/closed/within'), 'within')
    mkdirSync(join(place, 'home'))
    if (process.getuid?.() === 0) chownSync(join(place, 'home'), 65_534, 65_534)
    for (const name of ['secret', 'large', 'closed']) chmodSync(join(place, 'folder', name), 0)
    chmodSync(place, 0o755)
    try {
      const ended = await run(
        [temporaryHome(), '--home', join(place, 'home'), 'add', join(place, 'folder'), '--json'],
        {
          script: join(import.meta.dirname, 'processes/without-rights.ts'),
        },
      )
      expect(ended).toMatchObject({ code: 6, stderr: '' })
      expect(outcomeOf(ended)).toMatchObject({
        added: ['folder', 'folder/good'],
        failed: {
          'folder/secret': 'WALK_UNREADABLE',
          'folder/large': 'WALK_UNREADABLE',
          'folder/closed': 'WALK_UNREADABLE',
        },
      })
      expect(ended.stdout).toContain('permission denied')
    } finally {
      chmodSync(join(place, 'folder/closed'), 0o700)
    }
  })

  test('leaves out a file that vanishes between its listing and its reading', async () => {
    const place = temporaryFolder()
    mkdirSync(join(place, 'many'))
    const names = Array.from({ length: 200 }, (_, index) => `${1000 + index}`)
    for (const name of names) writeFileSync(join(place, 'many', name), name)
    writeFileSync(join(place, 'first'), 'first')
    // Standard input holds the files behind it back; the folder is listed by then.
    const adding = start(['add', 'first', '-', 'many', '--json'], {
      home: temporaryHome(),
      cwd: place,
      stdin: null,
    })
    await adding.line((line) => line.includes('"first"'))
    rmSync(join(place, 'many/1199'))
    adding.stdin.end('second')
    const ended = await adding.ended
    expect(ended).toMatchObject({ code: 6, stderr: '' })
    const { added, failed } = outcomeOf(ended)
    expect(failed).toEqual({ 'many/1199': 'WALK_VANISHED' })
    expect(added).toHaveLength(4 + names.length - 1)
  })

  test('leaves out the home of the node, with its token, also by another way to it', async () => {
    const place = temporaryFolder()
    writeFileSync(join(place, 'good'), 'good')
    symlinkSync('home', join(place, 'way'))
    const ended = await run(['add', place, '--json'], { home: join(place, 'home') })
    expect(ended).toMatchObject({ code: 6, stderr: '' })
    const name = basename(place)
    expect(outcomeOf(ended)).toMatchObject({
      added: [name, `${name}/good`],
      failed: { [`${name}/home`]: 'WALK_HOME', [`${name}/way`]: 'WALK_HOME' },
    })
  })
})
