import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { jsonLines, run } from './command.ts'
import { startServer } from './server.ts'
import { temporaryHome } from './temporary-folder.ts'

/** A home whose log of operations has a damage. The name of the file that has it. */
async function damagedHome(): Promise<{ readonly home: string; readonly segment: string }> {
  const home = temporaryHome()
  expect(await run(['jobs', 'list'], { home })).toMatchObject({ code: 0, stderr: '' })
  const [segment] = (await readdir(join(home, 'log'))).filter((name) => name.endsWith('.wal'))
  const file = await open(join(home, 'log', segment!), 'r+')
  await file.write('damaged', 100)
  await file.close()
  return { home, segment: segment! }
}

test.each([{ flags: [] }, { flags: ['--json'] }])(
  'a command that opens the home tells once, on standard error, what it has found: flags $flags',
  async ({ flags }) => {
    const { home, segment } = await damagedHome()
    const { code, stdout, stderr } = await run(['jobs', 'list', ...flags], { home })
    expect(code).toBe(0)
    expect(stdout).toBe(flags.length === 0 ? 'none\n' : '{"jobs":[]}\n')
    const lines = jsonLines<{ finding: { segment: string } }>(stderr)
    expect(lines).toMatchObject([{ level: 'warn', part: 'wal', finding: { kind: 'torn-tail', segment } }])
  },
)

test('a command that joins a server says nothing of what that has found', async () => {
  const { home } = await damagedHome()
  const server = await startServer({ home })
  expect(await run(['jobs', 'list'], { home })).toMatchObject({ code: 0, stderr: '' })
  expect(jsonLines((await server.stop()).stderr)).toMatchObject([{ level: 'warn', part: 'wal' }])
})
