/** Metrics of the backend that runs the tasks of this process, from the figures that it keeps anyway. */
import { backendStats } from '@ipfs-kit/concurrency'
import { Counter, Gauge } from 'prom-client'
import type { Registry } from 'prom-client'

type Figures = ReturnType<typeof backendStats>

const labelNames = ['backend'] as const

/** Makes the metrics. They are read at the scrape, of the backend in which it runs; nothing happens between scrapes. */
export function measureConcurrency(registry: Registry): void {
  const registers = [registry]
  const gauge = (name: string, help: string, value: (figures: Figures) => number): void => {
    const metric = new Gauge({
      name: `ipfs_kit_concurrency_${name}`,
      help,
      labelNames,
      registers,
      collect() {
        const figures = backendStats()
        metric.set({ backend: figures.backend }, value(figures))
      },
    })
  }
  const counter = (name: string, help: string, value: (figures: Figures) => number): void => {
    const metric = new Counter({
      name: `ipfs_kit_concurrency_${name}`,
      help,
      labelNames,
      registers,
      collect() {
        const figures = backendStats()
        const { backend } = figures
        metric.remove({ backend })
        metric.inc({ backend }, value(figures))
      },
    })
  }
  gauge('tasks', 'Tasks that have not ended.', ({ tasks }) => tasks)
  counter('tasks_spawned_total', 'Tasks that were spawned.', ({ spawned }) => spawned)
  counter('cancellations_total', 'Cancelled scopes that have ended.', ({ cancellations }) => cancellations)
  counter(
    'cancellation_seconds_total',
    'Time from cancellations to the end of their scopes; divided by cancellations_total it is the mean latency.',
    ({ cancelTotalMs }) => cancelTotalMs / 1000,
  )
  gauge(
    'cancellation_longest_seconds',
    'The longest time from a cancellation to the end of its scope.',
    ({ cancelMaxMs }) => cancelMaxMs / 1000,
  )
  counter(
    'refused_waits_total',
    'Waits that were rejected at once because their scope was cancelled.',
    ({ refusedWaits }) => refusedWaits,
  )
  gauge('timers', 'Sleeps and deadlines whose time has not come.', ({ timers }) => timers)
}
