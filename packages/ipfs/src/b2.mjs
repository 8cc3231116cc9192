import { openIpfs } from '@ipfs-kit/ipfs'
import { mkdtempSync, rmSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
const small = Array.from({ length: 10000 }, (_, i) => ({
  path: `t/${i % 100}/f${i}`,
  content: randomBytes(4096),
}))
const home = mkdtempSync('/var/tmp/bench-')
const ipfs = await openIpfs({ path: home })
let t0 = performance.now()
const c0 = process.cpuUsage()
for await (const x of ipfs.files.add(small));
const b = performance.now() - t0
const c = process.cpuUsage(c0)
console.log(
  ((1e4 / b) * 1000).toFixed(0),
  'files/s',
  'cpu user',
  c.user / 1000,
  'sys',
  c.system / 1000,
  'wall',
  b,
)
await ipfs.close()
rmSync(home, { recursive: true })
