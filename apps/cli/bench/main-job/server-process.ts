/** A server in a process of its own, on a fresh home and free ports. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/** A running server. */
export interface ServerProcess extends AsyncDisposable {
  readonly url: string
  readonly token: string
  /** From the start of the process to its ready line. */
  readonly readySeconds: number
  /** Resident memory now. */
  memoryMiB(): Promise<number>
  /** Most resident memory since `resetPeak`. */
  peakMemoryMiB(): Promise<number>
  resetPeak(): Promise<void>
  idle(ms: number): Promise<void>
}

/** Starts `ipfs-kit serve --isolated` from the sources. Memory is read from `/proc`, so it wants Linux. */
export async function startServer(): Promise<ServerProcess> {
  const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
  const flags = ['serve', '--isolated', '--json', '--port', '0', '--gateway-port', '0']
  const started = performance.now()
  const child = spawn(process.execPath, ['--conditions=@ipfs-kit/source', main, ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  const [line] = (await Promise.race([
    once(createInterface(child.stdout), 'line'),
    ended.then(([code]) => Promise.reject(new Error(`The server ended with ${code} before it was ready`))),
  ])) as [string]
  const readySeconds = (performance.now() - started) / 1000
  const { url, tokenFile } = JSON.parse(line) as { url: string; tokenFile: string }
  const memory = async (field: string): Promise<number> => {
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8')
    return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024
  }
  return {
    url,
    token: (await readFile(tokenFile, 'utf8')).trim(),
    readySeconds,
    memoryMiB: () => memory('VmRSS'),
    peakMemoryMiB: () => memory('VmHWM'),
    resetPeak: () => writeFile(`/proc/${child.pid}/clear_refs`, '5'),
    idle: (ms) => sleep(ms),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM')
      await ended
    },
  }
}
