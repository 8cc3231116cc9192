/** The paths that a transaction has used, so that it can be told whether a change of somebody else concerns it. */
import { type Names, parsePath } from './path.ts'
import type { Step } from './record.ts'

interface Used {
  /** Whether the entries of the folder were looked at. */
  isListed: boolean
  /** Whether all that is below counts. */
  isWhole: boolean
  /** What is below and was used; a path that was used has nodes as far as itself, and no further. */
  readonly inner: Map<string, Used>
}

export class UsedPaths {
  readonly #root = unused()

  /** What is at a path was looked at, or changed. */
  use(names: Names): void {
    this.#node(names)
  }

  /** The entries of a folder were looked at. */
  list(names: Names): void {
    this.#node(names).isListed = true
  }

  /** All that is at a path and below was used. */
  useAll(names: Names): void {
    this.#node(names).isWhole = true
  }

  /** A path that was used, and that a step has changed. */
  changedBy(step: Step): string | undefined {
    const paths = 'path' in step ? [step.path] : step.step === 'mv' ? [step.from, step.to] : [step.to]
    return paths.find((path) => this.#isChangedAt(parsePath(path)))
  }

  #isChangedAt(names: Names): boolean {
    let node: Used | undefined = this.#root
    for (const [depth, name] of names.entries()) {
      if (node.isWhole || (node.isListed && depth === names.length - 1)) return true
      node = node.inner.get(name)
      if (node === undefined) return false
    }
    // It, or something below, was used.
    return true
  }

  #node(names: Names): Used {
    let node = this.#root
    for (const name of names) {
      let inner = node.inner.get(name)
      if (inner === undefined) node.inner.set(name, (inner = unused()))
      node = inner
    }
    return node
  }
}

function unused(): Used {
  return { isListed: false, isWhole: false, inner: new Map() }
}
