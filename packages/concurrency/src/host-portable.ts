/** The host hooks of a program without Node's modules: a browser, a worker. Scopes are passed, not carried. */
import type { Host, HostChannel } from './host.ts'

const channels = new Map<string, HostChannel>()

function makeChannel(): HostChannel {
  const listeners = new Set<(message: unknown) => void>()
  return {
    get hasSubscribers() {
      return listeners.size > 0
    },
    publish(message) {
      for (const listener of listeners) tell(listener, message)
    },
    subscribe: (listener) => void listeners.add(listener),
    unsubscribe: (listener) => void listeners.delete(listener),
  }
}

/** What a listener throws is reported as an uncaught error, as Node does, and does not reach who publishes. */
function tell(listener: (message: unknown) => void, message: unknown): void {
  try {
    listener(message)
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}

/** Turns of the event loop that are not clamped to 4 ms as nested timers are. */
const turns: (() => void)[] = []
let port: { postMessage(message: unknown): void } | undefined

function turn(fn: () => void): void {
  turns.push(fn)
  if (port === undefined) {
    const { port1, port2 } = new MessageChannel()
    port1.addEventListener('message', () => turns.shift()?.())
    port1.start()
    port = port2
  }
  port.postMessage(undefined)
}

/** The host hooks of this program. */
export const host: Host = {
  name: 'portable',
  ambient: () => undefined,
  within: (value, fn) => fn(value),
  enter: () => undefined,
  now: () => performance.now(),
  timer(ms, fn) {
    const timer = setTimeout(fn, ms)
    return () => clearTimeout(timer)
  },
  turn,
  whenQuiet: (fn) => () => turn(fn),
  channel(name) {
    let found = channels.get(name)
    if (found === undefined) channels.set(name, (found = makeChannel()))
    return found
  },
  environment: () => undefined,
  watchForeign: () => () => undefined,
  watchRejections: () => () => undefined,
  loopDelay: () => undefined,
}
