import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { jsonLines, run, start } from './command.ts'
import { startServer } from './server.ts'
import { temporaryFolder, temporaryHome } from './temporary-folder.ts'

const ports = ['--port', '0', '--gateway-port', '0']

describe.concurrent('serve', () => {
  test('prints one line when it is ready, and nothing after it', async () => {
    const home = temporaryHome()
    const process = start(['serve', '--json', ...ports], { home })
    const line = await process.line()
    const { url, gatewayUrl, tokenFile } = JSON.parse(line) as Record<string, string>
    expect(line).toBe(`{"ready":true,"url":"${url}","gatewayUrl":"${gatewayUrl}","tokenFile":"${tokenFile}"}`)
    expect([url, gatewayUrl]).toEqual(
      [0, 1].map(() => expect.stringMatching(/^http:\/\/127\.0\.0\.1:[0-9]+$/)),
    )
    expect(url).not.toBe(gatewayUrl)
    expect(tokenFile).toBe(join(home, 'tokens/default'))
    // Whoever has read the line finds both doors open.
    const health = await Promise.all([`${url}/readyz`, `${gatewayUrl}/ipfs/x`].map((one) => fetch(one)))
    expect(health.map(({ status }) => status)).toEqual([200, 400])
    process.kill('SIGTERM')
    expect(await process.ended).toMatchObject({ code: 0, stdout: `${line}\n`, stderr: '' })
  })

  test('makes a fresh home with a token that only its owner can read, keeps it, and says in words where all is', async () => {
    const first = await startServer()
    const { home, tokenFile, token } = first
    const mode = (path: string) => (statSync(path).mode & 0o777).toString(8)
    expect([home, join(home, 'tokens'), tokenFile].map(mode)).toEqual(['700', '700', '600'])
    expect(token).toMatch(/^ipfskit_[\w-]{43}$/)
    await first.stop()

    const second = start(['serve', ...ports], { home })
    await second.line((line) => line.includes('Token'))
    expect(readFileSync(tokenFile, 'utf8').trim()).toBe(token)
    second.kill('SIGTERM')
    const { stdout } = await second.ended
    expect(stdout).toMatch(/is ready\n.*http:\/\/127\.0\.0\.1:[0-9]+.*\/mcp\).*\n.*\/ipfs\/<cid>\n/)
    for (const place of [home, tokenFile]) expect(stdout).toContain(place)
    expect(stdout).not.toContain('ipfskit_')
  })

  test.each(['SIGTERM', 'SIGINT'] as const)(
    'with --isolated has a home of its own, which %s removes',
    async (signal) => {
      const folder = temporaryFolder()
      const used = temporaryHome()
      const process = start(['serve', '--json', '--isolated', ...ports], {
        env: { TMPDIR: folder, IPFS_KIT_HOME: used },
      })
      const { tokenFile } = JSON.parse(await process.line()) as { tokenFile: string }
      const [made, ...others] = readdirSync(folder)
      expect(others).toEqual([])
      const home = join(folder, String(made))
      expect(tokenFile).toBe(join(home, 'tokens/default'))
      process.kill(signal)
      expect(await process.ended).toMatchObject({ code: 0, stderr: '' })
      expect(readdirSync(folder)).toEqual([])
      expect(existsSync(used)).toBe(false)
    },
  )

  test('takes its hosts and ports from config.toml, and the ports of the command line before them', async () => {
    const home = temporaryHome()
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, 'localhost', resolve))
    const { port } = other.address() as AddressInfo
    mkdirSync(home)
    writeFileSync(
      join(home, 'config.toml'),
      `[api]\nhost = "localhost"\nport = ${port}\n[gateway]\nport = 0\n`,
    )
    const refused = await run(['serve', '--json'], { home })
    expect(refused).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`The port ${port} on localhost is in use`),
    })
    const process = start(['serve', '--json', '--port', '0'], { home })
    const ready = JSON.parse(await process.line()) as Record<string, string>
    expect(ready).toMatchObject({
      url: expect.stringMatching(/^http:\/\/localhost:[0-9]+$/),
      gatewayUrl: expect.stringMatching(/^http:\/\/127\.0\.0\.1:[0-9]+$/),
    })
    expect((await fetch(`${ready['url']}/readyz`)).status).toBe(200)
    process.kill('SIGTERM')
    expect((await process.ended).code).toBe(0)
    other.close()
  })

  test('has its parts restarted by a command, answers as before, and counts its calls in /metrics', async () => {
    const server = await startServer()
    const cid =
      (await run(['add', '-'], { home: server.home, stdin: 'still here' })).stdout
        .trim()
        .split('\n')
        .at(-1) ?? ''
    for (const part of ['ipfs', 'gateway']) {
      const { code, stdout } = await run(['node', 'restart', part, '--json'], { home: server.home })
      expect([code, jsonLines(stdout)]).toEqual([
        0,
        [expect.objectContaining({ name: part, state: 'running', restarts: 1 })],
      ])
    }
    const page = await fetch(`${server.gatewayUrl}/ipfs/${cid}`)
    expect([page.status, await page.text()]).toEqual([200, 'still here'])
    const metrics = await (await fetch(`${server.url}/metrics`)).text()
    expect(metrics).toMatch(/^process_cpu_user_seconds_total /m)
    expect(metrics).toMatch(/files\.add/)
  })
})
