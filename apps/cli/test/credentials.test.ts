import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { appFolder, jsonLines, run } from './command.ts'
import { startServer } from './server.ts'
import { temporaryHome } from './temporary-folder.ts'

const hub = 'hf_plantedTokenW3rJ'
const id = 'AKIAPLANTED7XQ'
const key = 'planted/Secret+Key/9vK2'
const session = 'planted-session-4Tz8'
const planted = [hub, id, key, session]
const add = ['credential', 'add', 'hub', '--service', 'huggingface']

test('secrets are kept, listed, checked, rotated and removed by commands, without a server', async () => {
  const home = temporaryHome()
  const ask = (args: readonly string[], stdin = '') => run(['credential', ...args], { home, stdin })
  expect(await ask(['list'])).toMatchObject({ code: 0, stdout: '' })
  expect((await run(add, { home, stdin: `${hub}\n` })).stdout).toMatch(
    /^added {2}hub {2}huggingface {2}added 2/,
  )
  expect((await ask(['add', 'main', '--service', 's3'], `${id}\n${key}\n`)).code).toBe(0)
  expect((await ask(['list'])).stdout).toMatch(/^hub {2}huggingface .*\nmain {2}s3 .*\n$/)
  expect(await ask(['check', 'hub', '--service', 'huggingface'])).toMatchObject({
    code: 0,
    stdout: 'good  hub\n',
  })
  expect((await ask(['rotate', 'hub', '--service', 'huggingface'], 'hf_new')).stdout).toContain('rotated')
  expect((await ask(['check', 'hub', '--service', 's3'])).stdout).toContain('CREDENTIALS_SERVICE')
  expect((await ask(['check', 'none', '--service', 's3'])).code).toBe(3)
  expect(await ask(['remove', 'hub'])).toMatchObject({ code: 0, stdout: 'removed  hub\n' })
  expect(await ask(['remove', 'hub'])).toMatchObject({ code: 3, stdout: 'no secret  hub\n' })
  expect((await run(add, { home, stdin: 'two words' })).code).toBe(2)
})

test('a token is printed alone, lets its holder do what it allows, and no longer when it is revoked', async () => {
  const server = await startServer()
  const { home } = server
  const create = ['credential', 'token', 'create', 'ci', '--scopes', 'content:read,pins']
  const token = (await run(create, { home })).stdout.trim()
  expect(token).toMatch(/^ipfskit_\S{43}$/)
  const headers = { authorization: `Bearer ${token}` }
  expect((await server.request('node/status', { headers })).status).toBe(200)
  expect((await server.request('credentials/list', { headers })).status).toBe(403)
  expect((await run(['credential', 'token', 'list'], { home })).stdout).toMatch(
    /^ci {2}content:read,pins {2}made \S+ {2}expires \S+\n$/,
  )
  expect((await run(['credential', 'token', 'revoke', 'ci'], { home })).stdout).toBe('revoked  ci\n')
  const refused = await server.request('node/status', { headers })
  expect(await refused.json()).toMatchObject({ code: 'CREDENTIALS_TOKEN_REVOKED' })
  expect((await server.stop()).code).toBe(0)
})

test('a terminal is asked for the secret and does not show it', async () => {
  const home = temporaryHome()
  const words = [process.execPath, '--conditions=@ipfs-kit/source', join(appFolder, 'src/main.ts')]
  const command = [...words, '--home', home, 'credential', 'add', 'main', '--service', 's3']
  const quoted = command.map((word) => `'${word}'`).join(' ')
  // A pseudo-terminal that echoes as long as nobody tells it not to.
  const child = spawn('script', ['--quiet', '--return', '--echo', 'always', '--command', quoted, '/dev/null'])
  onTestFinished(() => void child.kill('SIGKILL'))
  const ended = once(child, 'exit')
  const answers = new Map([
    ['Access key id: ', `${id}\r`],
    ['Secret access key: ', `${key}\r`],
    ['(empty: none): ', '\r'],
  ])
  let stdout = ''
  for await (const piece of child.stdout) {
    stdout += String(piece)
    for (const [question, answer] of answers) {
      if (!stdout.endsWith(question)) continue
      answers.delete(question)
      child.stdin.write(answer)
    }
  }
  const [status] = await ended
  expect(stdout).toContain('Access key id: ')
  expect(stdout).toContain('added  main  s3')
  for (const text of planted) expect(stdout).not.toContain(text)
  expect(status).toBe(0)
  expect((await run(['credential', 'check', 'main', '--service', 's3'], { home })).code).toBe(0)
})

test('no secret is in what server and commands say, in the home, in jobs, or in a diagnostic report', async () => {
  const home = temporaryHome()
  const reports = temporaryHome()
  mkdirSync(reports)
  const server = await startServer({
    home,
    env: {
      PLANTED: hub,
      NODE_OPTIONS: `--report-on-signal --report-signal=SIGUSR2 --report-directory=${reports}`,
    },
  })
  const said: string[] = []
  const ask = async (args: readonly string[], stdin = '') => {
    const ended = await run(args, { home, stdin })
    said.push(ended.stdout, ended.stderr)
    return ended
  }
  const main = ['main', '--service', 's3']
  const lines = `${id}\n${key}\n${session}\n`
  expect((await ask(add, hub)).code).toBe(0)
  expect((await ask(['credential', 'add', ...main], lines)).code).toBe(0)
  // The same again, in wrong forms, in wrong places.
  await ask(add, hub)
  await ask([...add, '--json'], `${hub} ${hub}`)
  await ask(['credential', 'add', 'other', '--service', 's3'], `{"Version":1,"AccessKeyId":"${id}","${key}"`)
  await ask(['credential', 'add', hub, '--service', 'huggingface'], hub)
  await ask([...add, hub], hub)
  await ask([...add, `--token=${hub}`], hub)
  await ask(['credential', 'rotate', ...main], lines)
  await ask(['credential', 'rotate', 'main', '--service', 'huggingface'], hub)
  await ask(['credential', 'list', '--json'])
  await ask(['credential', 'check', ...main, '--json'])
  for (const body of [hub, `"${hub}`, JSON.stringify({ name: hub })]) {
    for (const type of ['application/json', 'application/octet-stream', 'text/plain']) {
      const init = { method: 'POST', headers: { 'content-type': type }, body }
      const answer = await server.request('credentials/add?name=x&service=s3', init)
      said.push(await answer.text(), JSON.stringify([...answer.headers]))
    }
  }
  for (const path of ['node/operations?limit=1000', 'jobs/list', 'wal/list', 'openapi.json']) {
    said.push(await (await server.request(path)).text())
  }
  said.push(await (await fetch(`${server.url}/metrics`)).text())
  server.process.kill('SIGUSR2')
  while (readdirSync(reports).length === 0) await server.request('node/status')
  const ended = await server.stop()
  said.push(ended.stdout, ended.stderr)
  expect(jsonLines(said.find((text) => text.includes('"credentials.add"')) ?? '').length).toBeGreaterThan(0)
  for (const name of readdirSync(reports)) {
    const report = readFileSync(join(reports, name), 'utf8')
    expect(report).toContain('"javascriptStack"')
    said.push(report)
  }
  for (const entry of readdirSync(home, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) said.push(readFileSync(join(entry.parentPath, entry.name), 'latin1'))
  }
  for (const text of planted) expect(said.filter((one) => one.includes(text))).toEqual([])
})
