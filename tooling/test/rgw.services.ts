import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, test, vi } from 'vitest'
import { needCommands } from '../services/debian.ts'
import { startRgw } from '../services/rgw.ts'

const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`)
const folders = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('ipfs-kit-rgw-'))

test('RGW answers S3 requests, and is gone with its folder when it is stopped', async () => {
  const before = folders()
  await using rgw = await startRgw()
  const response = await fetch(`${rgw.endpoint}/no-such-bucket`)
  expect(await response.text()).toContain('<Code>NoSuchBucket</Code>')
  await Promise.all([rgw.stop(), rgw.stop()])
  expect(rgw.pids.filter(isAlive)).toEqual([])
  expect(folders()).toEqual(before)
})

test('RGW goes with the process that started it, when that is killed', async () => {
  const before = folders()
  const path = fileURLToPath(new URL('services/rgw-holder.ts', import.meta.url))
  const holder = spawn(process.execPath, ['--conditions=@ipfs-kit/source', path], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const [line] = (await once(createInterface(holder.stdout), 'line')) as [string]
  const { pids } = JSON.parse(line) as { pids: number[] }
  expect(pids.filter(isAlive)).toEqual(pids)
  holder.kill('SIGKILL')
  await once(holder, 'exit')
  await vi.waitFor(() => expect(pids.filter(isAlive)).toEqual([]), { timeout: 10_000 })
  await vi.waitFor(() => expect(folders()).toEqual(before), { timeout: 10_000 })
})

test('a service whose commands are missing names their packages', () => {
  expect(() => needCommands('Ceph RGW', { sh: 'dash', 'no-such-command': 'no-such-package' })).toThrow(
    'Ceph RGW needs no-such-command: apt-get install --no-install-recommends no-such-package',
  )
})
