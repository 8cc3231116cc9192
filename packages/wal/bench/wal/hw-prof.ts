import { mkdtempSync, rmSync } from 'node:fs'
import { openLog } from '@ipfs-kit/wal'
import { saturate, rawFile } from '/work/hw/packages/wal/bench/wal/contenders.ts'
const folder = mkdtempSync('/tmp/hw-prof-')
const log = await openLog({ path: folder + '/log', mode: (process.env.MODE ?? 'always') as 'always' })
const c = { append: (p: Buffer) => log.append(p) } as never
for (const n of (process.env.N ?? '1,64,256').split(',').map(Number)) {
  for (let r = 0; r < 4; r++) {
    const before = log.stats()
    const cpu = process.cpuUsage()
    const rate = await saturate(c, n, 700)
    const d = process.cpuUsage(cpu)
    const after = log.stats()
    const raw = rawFile(folder, n * 512)
    let k = 0
    const t = performance.now()
    while (performance.now() < t + 500) {
      raw.write()
      k++
    }
    const rawRate = (k * n) / ((performance.now() - t) / 1000)
    raw[Symbol.dispose]()
    console.log(
      n,
      Math.round(rate),
      'raw',
      Math.round(rawRate),
      'ratio',
      (rate / rawRate).toFixed(2),
      'batch',
      ((after.records - before.records) / (after.batches - before.batches)).toFixed(1),
      'cpu us/op',
      ((d.user + d.system) / (after.records - before.records)).toFixed(2),
      'ms/batch',
      (700 / (after.batches - before.batches)).toFixed(3),
      'raw ms',
      (500 / k).toFixed(3),
    )
  }
}
await log.close()
rmSync(folder, { recursive: true })
