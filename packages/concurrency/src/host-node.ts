/** The host hooks of Node (and of Deno, which has the same modules). */
import { AsyncLocalStorage, createHook } from 'node:async_hooks'
import { channel } from 'node:diagnostics_channel'
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import type { Host } from './host.ts'

const storage = new AsyncLocalStorage<object>()

const settled = Promise.resolve()

/** Work that is no input, output or timer of its own: what a call of `console` begins, and the engine's own queues. */
const harmless = new Set([
  'PROMISE',
  'Microtask',
  'WRITEWRAP',
  'TTYWRAP',
  'PIPEWRAP',
  'SIGNALWRAP',
  // What the synchronous `randomBytes` and each 128th `randomUUID` make; the asynchronous one looks the same here.
  'RANDOMBYTESREQUEST',
])

/** Who watches for foreign work. One hook serves all of them and is on only while there is one. */
const watchers = new Set<{
  belongs: (ambient: object) => boolean
  found: (what: string, stack: string) => void
}>()

const hook = createHook({
  init(_id, type) {
    // By far the most.
    if (type === 'TickObject' || harmless.has(type)) return
    const ambient = storage.getStore()
    if (ambient === undefined) return
    for (const watcher of watchers) {
      if (watcher.belongs(ambient)) watcher.found(type, new Error(type).stack ?? type)
    }
  },
  trackPromises: false,
})

/** Who watches for rejections. One listener serves all of them. */
const rejectionWatchers = new Set<{
  belongs: (ambient: object) => boolean
  found: (error: unknown) => void
}>()

function unhandled(error: unknown): void {
  const ambient = storage.getStore()
  for (const watcher of rejectionWatchers) {
    if (ambient === undefined || !watcher.belongs(ambient)) continue
    watcher.found(error)
    return
  }
  // Not of a watched run: what Node does when nobody listens.
  if (process.listenerCount('unhandledRejection') === 1) throw error
}

const loopResolutionMs = 10

/** The host hooks of this program. */
export const host: Host = {
  name: 'node',
  ambient: () => storage.getStore(),
  within: (value, fn) => storage.run(value, fn, value),
  // Half of what `run` costs, which puts the old value back as well.
  enter: (value) => storage.enterWith(value),
  now: () => performance.now(),
  timer(ms, fn) {
    const timer = setTimeout(fn, ms)
    return () => clearTimeout(timer)
  },
  turn: (fn) => void setImmediate(fn),
  // A tick that is asked for in a microtask runs when the queue of microtasks is empty.
  whenQuiet(fn) {
    const tick = (): void => process.nextTick(fn)
    return () => void settled.then(tick)
  },
  channel: (name) => channel(name),
  environment: (name) => process.env[name],
  watchForeign(belongs, found) {
    const watcher = { belongs, found }
    watchers.add(watcher)
    if (watchers.size === 1) hook.enable()
    return () => {
      if (watchers.delete(watcher) && watchers.size === 0) hook.disable()
    }
  },
  watchRejections(belongs, found) {
    const watcher = { belongs, found }
    rejectionWatchers.add(watcher)
    if (rejectionWatchers.size === 1) process.on('unhandledRejection', unhandled)
    return () => {
      if (rejectionWatchers.delete(watcher) && rejectionWatchers.size === 0) {
        process.off('unhandledRejection', unhandled)
      }
    }
  },
  loopDelay() {
    const histogram = monitorEventLoopDelay({ resolution: loopResolutionMs })
    histogram.enable()
    // What Node records is the time between two of its timers: the delay and the period. Deno records the delay.
    const period = 'Deno' in globalThis ? 0 : loopResolutionMs
    const ms = (ns: number) => (histogram.count === 0 ? 0 : Math.max(0, ns / 1e6 - period))
    return {
      read() {
        const { mean, max } = histogram
        const delay = { meanMs: ms(mean), p99Ms: ms(histogram.percentile(99)), maxMs: ms(max) }
        histogram.reset()
        return delay
      },
      close: () => void histogram.disable(),
    }
  },
}
