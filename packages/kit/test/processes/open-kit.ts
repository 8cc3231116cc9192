/** Opens a kit and holds it until its stdin ends. Arguments: path of the home, role, waitMs. */
import { once } from 'node:events'
import { KitError, openKit } from '@ipfs-kit/kit'

const [home = '', role = 'command', waitMs = '0'] = process.argv.slice(2)
const tell = (answer: object): void => console.log(JSON.stringify(answer))
try {
  const kit = await openKit({
    home,
    role: role === 'server' ? 'server' : 'command',
    waitMs: Number(waitMs),
  })
  const files = [{ path: 'hello.txt', content: Buffer.from(`hello from ${process.pid}`) }]
  let cid: string | undefined
  for await (const item of await kit.call('files.add', {}, { body: files }))
    if ('items' in item) cid = item.cid
  tell({ opened: true, pid: process.pid, cid })
  process.stdin.resume()
  await once(process.stdin, 'end')
  await kit.close()
} catch (error) {
  if (!(error instanceof KitError)) throw error
  tell({ opened: false, pid: process.pid, code: error.code, message: error.message })
}
