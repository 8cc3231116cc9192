/**
 * The same work on both backends: how many operations a second each of them does. No bars: it tells a reader what a simulated
 * test costs. `node --conditions=@ipfs-kit/source bench/backends/write-page.ts` writes `docs/backends-speed.md` from it.
 */
import { jobs, run } from './backends/jobs.ts'
import { interleave, median, ratios, round3, timed, type Options } from './concurrency/rounds.ts'

/** What the runner of the benches calls. */
export default {
  area: 'backends',
  ids: jobs.map(({ id }) => id),
  async run({ quick, only, log }: Options) {
    const results = []
    for (const { id, what, operations, program } of jobs) {
      if (only !== undefined && !only.has(id)) continue
      const size = quick ? operations / 10 : operations
      const contenders = (['native', 'sim'] as const).map((name) => ({
        name,
        run: () => timed(() => run(name, () => program(size))),
      }))
      const times = await interleave(contenders, {
        rounds: quick ? 3 : 9,
        warmup: quick ? 1 : 3,
        what: id,
        log,
      })
      const samples = ratios(times, 'native', 'sim')
      const perSecond = (name: string) => Math.round(size / (median(times[name]!) / 1000))
      results.push({
        id,
        measure: `${what}: rate in the simulator as a share of the native one`,
        value: round3(median(samples)),
        unit: 'ratio',
        samples: samples.map(round3),
        detail: {
          what,
          operations: size,
          nativePerSecond: perSecond('native'),
          simPerSecond: perSecond('sim'),
        },
      })
    }
    return results
  },
}
