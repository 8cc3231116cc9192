/**
 * Metrics of the process, with the names that prom-client's `collectDefaultMetrics` gives. Three of its collectors are
 * written anew: the monitor of the event loop and the observer of garbage collections, because those of prom-client
 * cannot be stopped, and the time of the processor, because that of prom-client loads the whole API of OpenTelemetry.
 */
import { monitorEventLoopDelay, PerformanceObserver, constants } from 'node:perf_hooks'
import { Counter, Gauge, Histogram } from 'prom-client'
import type { Registry } from 'prom-client'
import heapSizeAndUsed from 'prom-client/lib/metrics/heapSizeAndUsed.js'
import heapSpacesSizeAndUsed from 'prom-client/lib/metrics/heapSpacesSizeAndUsed.js'
import osMemoryHeap from 'prom-client/lib/metrics/osMemoryHeap.js'
import processHandles from 'prom-client/lib/metrics/processHandles.js'
import processMaxFileDescriptors from 'prom-client/lib/metrics/processMaxFileDescriptors.js'
import processOpenFileDescriptors from 'prom-client/lib/metrics/processOpenFileDescriptors.js'
import processRequests from 'prom-client/lib/metrics/processRequests.js'
import processResources from 'prom-client/lib/metrics/processResources.js'
import processStartTime from 'prom-client/lib/metrics/processStartTime.js'
import version from 'prom-client/lib/metrics/version.js'

const readWhenAsked = [
  processStartTime,
  osMemoryHeap,
  processOpenFileDescriptors,
  processMaxFileDescriptors,
  processResources,
  processHandles,
  processRequests,
  heapSizeAndUsed,
  heapSpacesSizeAndUsed,
  version,
]

const eventLoopResolutionMs = 10

/** Makes the metrics of the process. The function that it returns stops what runs between scrapes. */
export function measureProcess(registry: Registry): () => void {
  measureProcessor(registry)
  for (const register of readWhenAsked) register(registry)
  const stopEventLoop = measureEventLoop(registry)
  const stopGarbageCollection = measureGarbageCollection(registry)
  return () => {
    stopEventLoop()
    stopGarbageCollection()
  }
}

function measureProcessor(registry: Registry): void {
  let last = process.cpuUsage()
  const user = new Counter({
    name: 'process_cpu_user_seconds_total',
    help: 'Total user CPU time spent in seconds.',
    registers: [registry],
    // Read once for all three.
    collect() {
      const now = process.cpuUsage()
      user.inc((now.user - last.user) / 1e6)
      system.inc((now.system - last.system) / 1e6)
      both.inc((now.user + now.system - last.user - last.system) / 1e6)
      last = now
    },
  })
  const system = new Counter({
    name: 'process_cpu_system_seconds_total',
    help: 'Total system CPU time spent in seconds.',
    registers: [registry],
  })
  const both = new Counter({
    name: 'process_cpu_seconds_total',
    help: 'Total user and system CPU time spent in seconds.',
    registers: [registry],
  })
}

function measureEventLoop(registry: Registry): () => void {
  const delay = monitorEventLoopDelay({ resolution: eventLoopResolutionMs })
  delay.enable()
  const gauge = (suffix: string, help: string): Gauge =>
    new Gauge({ name: `nodejs_eventloop_lag_${suffix}seconds`, help, registers: [registry] })
  const lag = new Gauge({
    name: 'nodejs_eventloop_lag_seconds',
    help: 'Lag of event loop in seconds.',
    registers: [registry],
    async collect() {
      // All are set before the first wait, so that the others show this scrape too.
      if (delay.count > 0) {
        min.set(delay.min / 1e9)
        max.set(delay.max / 1e9)
        mean.set(delay.mean / 1e9)
        stddev.set(delay.stddev / 1e9)
        for (const [share, percentile] of percentiles) percentile.set(delay.percentile(share) / 1e9)
        delay.reset()
      }
      const started = performance.now()
      // waits: it is the event loop itself that is measured, with the time of the host.
      await new Promise<void>((resolve) => setImmediate(resolve))
      lag.set((performance.now() - started) / 1000)
    },
  })
  const min = gauge('min_', 'The minimum recorded event loop delay.')
  const max = gauge('max_', 'The maximum recorded event loop delay.')
  const mean = gauge('mean_', 'The mean of the recorded event loop delays.')
  const stddev = gauge('stddev_', 'The standard deviation of the recorded event loop delays.')
  const percentiles = [50, 90, 99].map(
    (share) =>
      [share, gauge(`p${share}_`, `The ${share}th percentile of the recorded event loop delays.`)] as const,
  )
  return () => {
    delay.disable()
  }
}

const kinds: Readonly<Record<number, string>> = {
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weakcb',
}

function measureGarbageCollection(registry: Registry): () => void {
  const duration = new Histogram({
    name: 'nodejs_gc_duration_seconds',
    help: 'Garbage collection duration by kind, one of major, minor, incremental or weakcb.',
    labelNames: ['kind'],
    buckets: [0.001, 0.01, 0.1, 1, 2, 5],
    registers: [registry],
  })
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { kind } = (entry as unknown as { readonly detail: { readonly kind: number } }).detail
      duration.observe({ kind: kinds[kind] ?? 'other' }, entry.duration / 1000)
    }
  })
  observer.observe({ entryTypes: ['gc'] })
  return () => observer.disconnect()
}
