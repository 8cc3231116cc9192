import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { appFolder, jsonLines, run, workspaceFolder } from './command.ts'
import { temporaryFolder, temporaryHome } from './temporary-folder.ts'

const { npm_execpath: pnpm = 'pnpm' } = process.env

/** Runs the script of the workspace's root as a person does who stands in `cwd`. */
async function runScript(cwd: string, args: readonly string[]) {
  const words = ['--silent', '--workspace-root', 'ipfs-kit', ...args]
  const [program, ...rest] = /\.[cm]?js$/.test(pnpm) ? [process.execPath, pnpm, ...words] : [pnpm, ...words]
  const child = spawn(program as string, rest, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  const out: Buffer[] = []
  const err: Buffer[] = []
  child.stdout.on('data', (piece: Buffer) => out.push(piece))
  child.stderr.on('data', (piece: Buffer) => err.push(piece))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }
}

test('pnpm --silent ipfs-kit passes arguments, paths of the folder where the user stands, and the exit code', async () => {
  // Inside the workspace, because pnpm looks for it upwards.
  const cache = join(appFolder, 'node_modules/.cache')
  mkdirSync(cache, { recursive: true })
  const folder = realpathSync(mkdtempSync(join(cache, 'stand-')))
  try {
    writeFileSync(join(folder, 'two words'), 'content')
    const { code, stdout, stderr } = await runScript(folder, [
      'add',
      'two words',
      'missing',
      '--json',
      '--home',
      'home',
    ])
    expect([code, stderr]).toEqual([6, ''])
    expect(jsonLines(stdout)).toMatchObject([
      { path: 'missing', failed: { code: 'WALK_MISSING' } },
      { path: 'two words', bytes: 7 },
      { items: 1, failed: 1, bytes: 7 },
    ])
    const cid = String(jsonLines(stdout).at(-1)?.['cid'])
    expect(await run(['cat', cid], { home: join(folder, 'home') })).toMatchObject({
      code: 0,
      stdout: 'content',
    })
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('a script of another project means the folder that it runs in', async () => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'here'), 'here')
  const env = { INIT_CWD: workspaceFolder, npm_package_name: 'another', npm_lifecycle_event: 'ipfs-kit' }
  const { code, stdout } = await run(['add', 'here', '--json'], { home: temporaryHome(), cwd: folder, env })
  expect([code, jsonLines(stdout).at(0)]).toEqual([0, expect.objectContaining({ path: 'here', bytes: 4 })])
})
