/** Takes a home and holds it until its stdin ends. Arguments: path, role, waitMs, and optionally a URL to announce. */
import { once } from 'node:events'
import { KitError, openHome, takeLock } from '@ipfs-kit/kit'

const [path = '', role = 'command', waitMs = '0', url] = process.argv.slice(2)
const tell = (answer: object): void => console.log(JSON.stringify(answer))
try {
  const home = await openHome({ path })
  const lock = await takeLock({
    home,
    role: role === 'server' ? 'server' : 'command',
    waitMs: Number(waitMs),
  })
  if (url !== undefined) await lock.announce({ url })
  globalThis.gc?.()
  tell({ held: true, pid: process.pid })
  process.stdin.resume()
  await once(process.stdin, 'end')
  await lock.close()
} catch (error) {
  if (!(error instanceof KitError)) throw error
  tell({ held: false, pid: process.pid, code: error.code, message: error.message })
}
