import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { jsonLines, run, start } from './command.ts'
import { agentOverStdio } from './mcp-client.ts'
import { startServer } from './server.ts'
import { temporaryFolder, temporaryHome } from './temporary-folder.ts'

const serve = ['serve', '--json', '--port', '0', '--gateway-port', '0']

describe.concurrent('while a server holds the home', () => {
  test('commands join it, and serve exits 2 naming its pid; once it is killed, its note misleads nobody', async () => {
    const server = await startServer()
    const { home } = server
    const { pid } = server.process
    const added = await run(['add', '-', '--json'], { home, stdin: 'joined' })
    expect(added.code).toBe(0)
    const calls = jsonLines<{ name: string; code: string }>(
      (await run(['operations', '--json'], { home })).stdout,
    )
    expect(calls.map(({ name, code }) => `${name} ${code}`)).toEqual(['files.add OK'])

    const second = await run(serve, { home })
    expect(second).toMatchObject({ code: 2, stdout: '' })
    const message = expect.stringContaining(`the server with pid ${pid} at ${server.url}`) as string
    expect(jsonLines(second.stderr)).toMatchObject([{ error: { code: 'CLI_HOME_HELD', message } }])
    // The first one has not noticed.
    expect(await server.client.call('node.status', {})).toMatchObject({ pid, role: 'server', home })

    server.process.kill('SIGKILL')
    await server.process.ended
    expect(JSON.parse(readFileSync(join(home, 'holder.json'), 'utf8'))).toMatchObject({
      pid,
      url: server.url,
    })
    const command = start(['status', '--json', '--wait', '0'], { home })
    expect((await command.ended).code).toBe(0)
    expect(jsonLines((await command.ended).stdout)).toMatchObject([{ pid: command.pid, role: 'command' }])
  })
})

describe.concurrent('while nobody holds the home', () => {
  test('a command opens it itself, found by IPFS_KIT_HOME, and leaves it free', async () => {
    const home = temporaryHome()
    const command = start(['status', '--json'], { env: { IPFS_KIT_HOME: home } })
    const { code, stdout, stderr } = await command.ended
    expect([code, stderr]).toEqual([0, ''])
    expect(jsonLines(stdout)).toMatchObject([{ pid: command.pid, role: 'command', home }])
    expect(existsSync(join(home, 'holder.json'))).toBe(false)
  })

  test('several commands that start at once take turns', async () => {
    const home = temporaryHome()
    const contents = ['one', 'two', 'three']
    const ended = await Promise.all(
      contents.map((stdin) => run(['add', '-', '--json', '--wait', '100'], { home, stdin })),
    )
    expect(ended.map(({ code, stderr }) => [code, stderr])).toEqual(contents.map(() => [0, '']))
    expect(jsonLines((await run(['pin', 'ls', '--json'], { home })).stdout)).toHaveLength(contents.length)
  })
})

describe.concurrent('while a command holds the home', () => {
  test('others wait, mcp too; one that may not wait exits 5, serve exits 2', async () => {
    const home = temporaryHome()
    const small = join(temporaryFolder(), 'small')
    writeFileSync(small, 'small')
    const holding = start(['add', small, '-', '--json'], { home, stdin: null })
    await holding.line((line) => line.includes('"small"'))

    const waiting = start(['add', '-', '--json', '--wait', '100'], { home, stdin: 'second' })
    const [impatient, agentless, server] = await Promise.all([
      run(['status', '--wait', '0', '--json'], { home }),
      run(['mcp', '--wait', '0', '--json'], { home }),
      run(serve, { home }),
    ])
    expect([impatient, agentless, server].map(({ code, stdout }) => [code, stdout])).toEqual([
      [5, ''],
      [5, ''],
      [2, ''],
    ])
    for (const { stderr } of [impatient, agentless, server]) {
      expect(jsonLines(stderr)).toMatchObject([
        { error: { message: expect.stringContaining(`held by the command with pid ${holding.pid}`) } },
      ])
    }
    expect(impatient.stderr).toMatch(/"code":"KIT_HOME_LOCKED".*"retryable":true/)

    holding.stdin.end('first')
    const ended = await Promise.all([holding.ended, waiting.ended])
    expect(ended.map(({ code }) => code)).toEqual([0, 0])
    expect(jsonLines((await run(['pin', 'ls', '--json'], { home })).stdout)).toHaveLength(2)
  })
})

describe.concurrent('mcp', () => {
  test('serves the home: commands and a second mcp join it, and the second takes over when it ends', async () => {
    const home = temporaryHome()
    // Of two that start at once one serves and the other joins.
    const agents = await Promise.all([agentOverStdio(home, '2025-11-25'), agentOverStdio(home, '2025-11-25')])
    const seen = await Promise.all(agents.map((agent) => agent.call<{ pid: number }>('node_status')))
    const [first, second] = seen[0]?.pid === agents[0].pid ? agents : [agents[1], agents[0]]
    expect(seen).toMatchObject([
      { pid: first.pid, role: 'server' },
      { pid: first.pid, role: 'server' },
    ])
    const text = 'written by the second'
    const { cid } = await second.call<{ cid: string }>('storage_write', { name: 'note.txt', text })
    expect(await run(['cat', cid, '--wait', '0'], { home })).toMatchObject({ code: 0, stdout: text })

    await first.close()
    expect(await second.call('node_status')).toMatchObject({ pid: second.pid, role: 'server' })
    expect(await second.call('storage_read', { address: cid })).toMatchObject({ text })
    const [status] = jsonLines((await run(['status', '--json', '--wait', '0'], { home })).stdout)
    expect(status).toMatchObject({ pid: second.pid })
  })

  test('joins a server again that was killed and started anew, and takes over when that one ends', async () => {
    const before = await startServer()
    const { home } = before
    const agent = await agentOverStdio(home, '2026-07-28')
    expect(await agent.call('node_status')).toMatchObject({ pid: before.process.pid })
    before.process.kill('SIGKILL')
    await before.process.ended
    const after = await startServer({ home })
    expect(await agent.call('node_status')).toMatchObject({ pid: after.process.pid })
    await after.stop()
    expect(await agent.call('node_status')).toMatchObject({ pid: agent.pid })
  })

  test('serves a client that negotiates the wire, and for that starts it twice', async () => {
    const agent = await agentOverStdio(temporaryHome(), 'negotiate')
    expect(await agent.call('node_status')).toMatchObject({ pid: agent.pid, role: 'server' })
    expect(agent.client.getNegotiatedProtocolVersion()).toBe('2026-07-28')
  })

  test('ends with its standard input and with SIGTERM, with exit code 0 and only the protocol on standard output', async () => {
    const ended = await Promise.all(
      (['end', 'SIGTERM'] as const).map(async (way) => {
        const command = start(['mcp'], { home: temporaryHome(), stdin: null })
        command.stdin.write(`${JSON.stringify(initialize)}\n`)
        expect(JSON.parse(await command.line())).toMatchObject({
          id: 1,
          result: { serverInfo: { name: 'ipfs-kit' } },
        })
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
  params: {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'cli-tests', version: '0.0.0' },
  },
}
