import { expect, test } from 'vitest'
import { type Ended, run, start } from './command.ts'
import { agentOverHttp } from './mcp-client.ts'
import { startServer } from './server.ts'
import { damage } from './store.ts'

test('no token, right or wrong, is in anything that server and commands say: answers, errors, logs, metrics', async () => {
  const server = await startServer()
  const { home, url, gatewayUrl, token } = server
  const wrong = `ipfskit_${'W'.repeat(43)}`
  const bearer = { authorization: `Bearer ${token}` }
  const json = { 'content-type': 'application/json' }
  const said: string[] = []
  const hear = async (response: Response) => {
    said.push(JSON.stringify([...response.headers]), await response.text())
  }
  const hearCommand = ({ stdout, stderr }: Ended) => said.push(stdout, stderr)
  const api = `${url}/api/v1`

  // A block that is damaged makes a failure of the kind that is logged.
  const cid =
    (await run(['add', '-'], { home, stdin: 'to be damaged' })).stdout.trim().split('\n').at(-1) ?? ''
  damage(home, 'to be damaged')
  // Tokens where they do not belong: he who sends them may be told of them, but nobody else.
  for (const path of [
    `files/cat?cid=${token}`,
    `files/stat?${token}=1`,
    `${token}/nosuch`,
    `${wrong}/nosuch`,
  ]) {
    await server.request(path)
  }

  for (const path of [
    `files/cat?cid=${cid}`,
    'files/cat?cid=nonsense',
    'node/status',
    'node/operations?limit=1000',
    'openapi.json',
  ]) {
    await hear(await server.request(path))
  }
  await hear(await fetch(`${api}/node/status`, { headers: { authorization: `Bearer ${wrong}` } }))
  await hear(await fetch(`${api}/node/status`, { headers: { authorization: `Basic ${token}` } }))
  await hear(await fetch(`${api}/node/status`, { headers: { ...bearer, origin: 'https://example.com' } }))
  await hear(
    await fetch(`${api}/files/stat`, {
      method: 'POST',
      headers: { ...bearer, ...json },
      body: `{"x":"${token}`,
    }),
  )
  await hear(await fetch(`${url}/mcp`, { method: 'POST', headers: { ...bearer, ...json }, body: '{' }))
  await hear(await fetch(`${gatewayUrl}/ipfs/${cid}`, { headers: bearer }))
  const agent = await agentOverHttp(server, '2026-07-28')
  said.push(
    JSON.stringify([await agent.client.listTools(), await agent.answer('storage_read', { address: cid })]),
  )
  const commands = [['status'], ['operations', '--limit', '1000'], ['cat', cid], ['serve']]
  for (const ended of await Promise.all(commands.map((args) => run([...args, '--json'], { home }))))
    hearCommand(ended)
  const stdio = start(['mcp'], { home, stdin: null })
  stdio.stdin.end(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' })}\n`)
  hearCommand(await stdio.ended)
  await hear(await fetch(`${url}/metrics`))
  const ended = await server.stop()
  hearCommand(ended)

  // The log has the failure, so it has been looked at.
  expect(ended.stderr).toContain(cid)
  for (const secret of [token, wrong]) {
    expect(said.filter((text) => text.includes(secret.slice('ipfskit_'.length)))).toEqual([])
  }
})
