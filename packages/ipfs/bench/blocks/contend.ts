/** Lets ways to import take turns, each in a process of its own. */
import { join } from 'node:path'
import { interleave, type Times } from './rounds.ts'
import type { Task } from './row.ts'
import { startWorker, type ImportReport } from './worker.ts'

/** What is imported, and by whom. */
export interface Contest {
  readonly worker: URL
  readonly flavours: readonly string[]
  readonly amount: number
  readonly rounds: number
  readonly what: string
}

/**
 * The times of each way, and what each reported, round by round. In a round all import the same; ways that give different
 * roots are an error.
 */
export async function contend(
  { worker: file, flavours, amount, rounds, what }: Contest,
  { folder, log }: Task,
): Promise<{ readonly times: Times; readonly reports: Readonly<Record<string, readonly ImportReport[]>> }> {
  const reports: Record<string, ImportReport[]> = Object.fromEntries(flavours.map((one) => [one, []]))
  const run = async (flavour: string): Promise<number> => {
    await using worker = startWorker(file, log)
    const round = reports[flavour]!.length
    const report = await worker.ask('import', {
      flavour,
      path: join(folder, flavour),
      amount,
      seed: round,
    })
    reports[flavour]!.push(report)
    const other = Object.values(reports).find((all) => all[round] !== undefined)![round]!
    if (other.cid !== report.cid) throw new Error(`${flavour} gives ${report.cid}, and not ${other.cid}`)
    return report.seconds * 1000
  }
  const contenders = Object.fromEntries(flavours.map((one) => [one, () => run(one)]))
  const times = await interleave(contenders, { rounds, warmup: 1, what, log })
  // The first report of each is that of the round that was not measured.
  return {
    times,
    reports: Object.fromEntries(Object.entries(reports).map(([one, all]) => [one, all.slice(1)])),
  }
}
