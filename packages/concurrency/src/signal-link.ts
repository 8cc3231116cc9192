/** Foreign signals: one listener serves all scopes of a signal and is taken off with the last of them. */
import type { ScopeNode, SignalLink } from './scope-node.ts'

class Listener implements SignalLink {
  readonly #signal: AbortSignal
  readonly #nodes = new Set<ScopeNode>()

  constructor(signal: AbortSignal) {
    this.#signal = signal
  }

  add(node: ScopeNode): void {
    if (this.#nodes.size === 0) this.#signal.addEventListener('abort', this.#aborted)
    this.#nodes.add(node)
    node.link = this
  }

  remove(node: ScopeNode): void {
    this.#nodes.delete(node)
    node.link = undefined
    if (this.#nodes.size === 0) this.#signal.removeEventListener('abort', this.#aborted)
  }

  readonly #aborted = () => {
    const { reason } = this.#signal
    for (const node of [...this.#nodes]) {
      this.remove(node)
      node.cancelWith('signal', () => reason)
    }
  }
}

const listeners = new WeakMap<AbortSignal, Listener>()

/** Cancels `node` with the signal's own reason when `signal` is aborted; at once if it is. */
export function linkSignal(node: ScopeNode, signal: AbortSignal): void {
  if (signal.aborted) {
    node.cancelWith('signal', () => signal.reason)
    return
  }
  let listener = listeners.get(signal)
  if (listener === undefined) listeners.set(signal, (listener = new Listener(signal)))
  listener.add(node)
}
