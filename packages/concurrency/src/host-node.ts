/** The host hooks of Node (and of Deno, which has the same modules). */
import { AsyncLocalStorage, createHook } from 'node:async_hooks'
import { channel } from 'node:diagnostics_channel'
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import type { Host } from './host.ts'

const storage = new AsyncLocalStorage<object>()

/** Work that is no input, output or timer of its own: what a call of `console` begins, and the engine's own queues. */
const harmless = new Set([
  'PROMISE',
  'TickObject',
  'Microtask',
  'WRITEWRAP',
  'TTYWRAP',
  'PIPEWRAP',
  'SIGNALWRAP',
])

/** Who watches for foreign work. One hook serves all of them and is on only while there is one. */
const watchers = new Set<{
  belongs: (ambient: object) => boolean
  found: (what: string, stack: string) => void
}>()

const hook = createHook({
  init(_id, type) {
    if (harmless.has(type)) return
    const ambient = storage.getStore()
    if (ambient === undefined) return
    for (const watcher of watchers) {
      if (watcher.belongs(ambient)) watcher.found(type, new Error(type).stack ?? type)
    }
  },
  trackPromises: false,
})

/** The host hooks of this program. */
export const host: Host = {
  name: 'node',
  ambient: () => storage.getStore(),
  within: (value, fn) => storage.run(value, fn, value),
  now: () => performance.now(),
  timer(ms, fn) {
    const timer = setTimeout(fn, ms)
    return () => clearTimeout(timer)
  },
  turn: (fn) => void setImmediate(fn),
  // A tick that is asked for in a microtask runs when the queue of microtasks is empty.
  quiet: (fn) => queueMicrotask(() => process.nextTick(fn)),
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
  loopDelay() {
    const histogram = monitorEventLoopDelay({ resolution: 10 })
    histogram.enable()
    const ms = (ns: number) => (Number.isNaN(ns) ? 0 : ns / 1e6)
    return {
      read: () => ({
        meanMs: ms(histogram.mean),
        p99Ms: ms(histogram.percentile(99)),
        maxMs: histogram.count === 0 ? 0 : ms(histogram.max),
      }),
      close: () => void histogram.disable(),
    }
  },
}
