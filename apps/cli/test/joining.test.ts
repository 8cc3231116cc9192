import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { jsonLines, run, start } from './command.ts'
import { agentOverStdio } from './mcp-client.ts'
import { startServer } from './server.ts'
import { temporaryFolder, temporaryHome } from './temporary-folder.ts'

describe.concurrent('a command', () => {
  test('joins the server that holds the home', async () => {
    const server = await startServer()
    const added = await run(['add', '-', '--json'], { home: server.home, stdin: 'joined' })
    expect(added.code).toBe(0)
    const [status] = jsonLines((await run(['status', '--json'], { home: server.home })).stdout)
    expect(status).toMatchObject({ pid: server.process.pid, role: 'server', url: server.url, home: server.home })
    const calls = jsonLines<{ name: string; code: string }>(
      (await run(['operations', '--json'], { home: server.home })).stdout,
    )
    expect(calls.map(({ name, code }) => `${name} ${code}`)).toEqual(['node.status OK', 'files.add OK'])
  })

  test('opens the home itself without one, and leaves it free', async () => {
    const home = temporaryHome()
    const command = start(['status', '--json'], { home })
    const { code, stdout, stderr } = await command.ended
    expect([code, stderr]).toEqual([0, ''])
    expect(jsonLines(stdout)).toMatchObject([{ pid: command.pid, role: 'command', home }])
    expect(existsSync(join(home, 'holder.json'))).toBe(false)
  })

  test('finds the home by IPFS_KIT_HOME, and --home goes before it', async () => {
    const [fromEnvironment, given] = [temporaryHome(), temporaryHome()]
    const env = { IPFS_KIT_HOME: fromEnvironment }
    const answers = await Promise.all([run(['status', '--json'], { env }), run(['status', '--json'], { env, home: given })])
    expect(answers.flatMap(({ stdout }) => jsonLines(stdout))).toMatchObject([{ home: fromEnvironment }, { home: given }])
  })

  test('waits for one that holds the home, exits 5 when it may not wait, and goes on when the home is free', async () => {
    const home = temporaryHome()
    const holding = await startHolding(home)
    const waiting = start(['add', '-', '--json', '--wait', '60'], { home, stdin: 'second' })
    const impatient = await run(['status', '--wait', '0', '--json'], { home })
    expect(impatient).toMatchObject({ code: 5, stdout: '' })
    expect(jsonLines(impatient.stderr)).toMatchObject([
      {
        error: {
          code: 'KIT_HOME_LOCKED',
          retryable: true,
          message: expect.stringContaining(`held by the command with pid ${holding.pid}`),
        },
      },
    ])
    holding.stdin.end('first')
    const ended = await Promise.all([holding.ended, waiting.ended])
    expect(ended.map(({ code }) => code)).toEqual([0, 0])
    const pins = jsonLines((await run(['pin', 'ls', '--json'], { home })).stdout)
    expect(pins).toHaveLength(2)
  })

  test('waits its turn among several that start at once', async () => {
    const home = temporaryHome()
    const contents = ['one', 'two', 'three', 'four']
    const ended = await Promise.all(contents.map((stdin) => run(['add', '-', '--json'], { home, stdin })))
    expect(ended.map(({ code, stderr }) => [code, stderr])).toEqual(contents.map(() => [0, '']))
    expect(jsonLines((await run(['pin', 'ls', '--json'], { home })).stdout)).toHaveLength(4)
  })

  test('is not misled by the note of a server that was killed', async () => {
    const server = await startServer()
    server.process.kill('SIGKILL')
    await server.process.ended
    const note = readFileSync(join(server.home, 'holder.json'), 'utf8')
    expect(JSON.parse(note)).toMatchObject({ pid: server.process.pid, url: server.url })
    const command = start(['status', '--json', '--wait', '0'], { home: server.home })
    expect(jsonLines((await command.ended).stdout)).toMatchObject([{ pid: command.pid, role: 'command' }])
    expect((await command.ended).code).toBe(0)
  })
})

describe.concurrent('serve', () => {
  test('exits 2 when a server holds the home, and names its pid', async () => {
    const server = await startServer()
    const second = await run(['serve', '--json', '--port', '0', '--gateway-port', '0'], { home: server.home })
    expect(second).toMatchObject({ code: 2, stdout: '' })
    expect(jsonLines(second.stderr)).toMatchObject([
      { error: { code: 'CLI_HOME_HELD', message: expect.stringContaining(`the server with pid ${server.process.pid} at ${server.url}`) } },
    ])
    // The first one has not noticed.
    expect(await server.client.call('node.status', {})).toMatchObject({ pid: server.process.pid })
  })

  test('exits 2 when a command holds the home', async () => {
    const home = temporaryHome()
    const holding = await startHolding(home)
    const server = await run(['serve', '--port', '0', '--gateway-port', '0'], { home })
    expect(server).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(`pid ${holding.pid}`) })
    holding.stdin.end()
    expect((await holding.ended).code).toBe(0)
  })
})

describe.concurrent('mcp', () => {
  test('serves the home: commands and a second mcp join it, and the second takes over when it ends', async () => {
    const home = temporaryHome()
    const first = await agentOverStdio(home, '2025-11-25')
    const second = await agentOverStdio(home, '2025-11-25')
    expect(await first.call('node_status')).toMatchObject({ pid: first.pid, role: 'server' })
    expect(await second.call('node_status')).toMatchObject({ pid: first.pid })
    const { cid } = await second.call<{ cid: string }>('storage_write', { name: 'note.txt', text: 'written by the second' })
    expect(await run(['cat', `${cid}`, '--wait', '0'], { home })).toMatchObject({ code: 0, stdout: 'written by the second' })
    const held = await run(['serve', '--port', '0', '--gateway-port', '0'], { home })
    expect(held).toMatchObject({ code: 2, stderr: expect.stringContaining(`pid ${first.pid}`) })

    await first.close()
    expect(await second.call('node_status')).toMatchObject({ pid: second.pid, role: 'server' })
    expect(await second.call('storage_read', { address: cid })).toMatchObject({ text: 'written by the second' })
    const [status] = jsonLines((await run(['status', '--json', '--wait', '0'], { home })).stdout)
    expect(status).toMatchObject({ pid: second.pid })
    await second.close()
    expect(await run(['cat', cid, '--wait', '0'], { home })).toMatchObject({ code: 0, stdout: 'written by the second' })
  })

  test('takes over from a server that was killed', async () => {
    const server = await startServer()
    const agent = await agentOverStdio(server.home, '2026-07-28')
    expect(await agent.call('node_status')).toMatchObject({ pid: server.process.pid })
    server.process.kill('SIGKILL')
    await server.process.ended
    expect(await agent.call('node_status')).toMatchObject({ pid: agent.pid })
  })

  test('joins a server that was started again', async () => {
    const home = temporaryHome()
    const before = await startServer({ home })
    const agent = await agentOverStdio(home, '2025-11-25')
    await before.stop()
    const after = await startServer({ home })
    expect(await agent.call('node_status')).toMatchObject({ pid: after.process.pid })
  })

  test('waits for a command that holds the home', async () => {
    const home = temporaryHome()
    const holding = await startHolding(home)
    const starting = agentOverStdio(home, '2025-11-25')
    const impatient = await run(['mcp', '--wait', '0'], { home })
    expect(impatient).toMatchObject({ code: 5, stdout: '' })
    holding.stdin.end('done')
    const agent = await starting
    expect(await agent.call('node_status')).toMatchObject({ pid: agent.pid })
  })

  test('ends with its standard input and with SIGTERM, with exit code 0 and nothing but the protocol on standard output', async () => {
    const ended = await Promise.all(
      (['end', 'SIGTERM'] as const).map(async (way) => {
        const command = start(['mcp'], { home: temporaryHome(), stdin: 'open' })
        command.stdin.write(`${JSON.stringify(initialize)}\n`)
        expect(JSON.parse(await command.line())).toMatchObject({ id: 1, result: { serverInfo: { name: 'ipfs-kit' } } })
        if (way === 'end') command.stdin.end()
        else command.kill(way)
        return command.ended
      }),
    )
    for (const one of ended) {
      expect(one).toMatchObject({ code: 0, signal: null, stderr: '' })
      expect(jsonLines(one.stdout)).toHaveLength(1)
    }
  })
})

const initialize = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'cli-tests', version: '0.0.0' } },
}

/** A command that holds its home until its standard input ends. */
async function startHolding(home: string) {
  const small = join(temporaryFolder(), 'small.txt')
  writeFileSync(small, 'small')
  const command = start(['add', small, '-', '--json'], { home, stdin: 'open' })
  await command.line((line) => line.includes('small.txt'))
  return command
}
