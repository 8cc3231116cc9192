/** The paths that a transaction has used, so that it can be told whether a change of somebody else concerns it. */
import { type Names, namesOf } from './path.ts'
import { isMarkStep, type Step } from './record.ts'

interface Used {
  /** Whether it was used itself, not only what is below. */
  isUsed: boolean
  /** Whether the entries of the folder were looked at. */
  isListed: boolean
  /** Whether all that is below counts. */
  isWhole: boolean
  /** What is below and was used; a path that was used has nodes as far as itself, and no further. */
  readonly inner: Map<string, Used>
}

/** So many names are remembered; whoever uses more has used all. */
const maxNames = 65_536

export class UsedPaths {
  readonly #root = unused()
  #count = 0

  /** What is at a path was looked at, or changed. */
  use(names: Names): void {
    this.#node(names).isUsed = true
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
    // Where blocks lie changes nothing of what they are.
    if (step.step === 'tier') return undefined
    // What is no mount any more can be changed, and removed with what it is in.
    if (isMarkStep(step) && step.step !== 'unmount') {
      const names = namesOf(step.path)
      return this.#isMarkedAt(names) ? step.path : undefined
    }
    const paths = 'path' in step ? [step.path] : step.step === 'mv' ? [step.from, step.to] : [step.to]
    const isBelowChanged = step.step !== 'meta'
    return paths.find((path) => this.#isChangedAt(namesOf(path), isBelowChanged))
  }

  /** Whether what a path carries was used. */
  #isMarkedAt(names: Names): boolean {
    let node: Used | undefined = this.#root
    for (const name of names) {
      if (node.isWhole) return true
      node = node.inner.get(name)
      if (node === undefined) return false
    }
    return node.isUsed || node.isWhole
  }

  #isChangedAt(names: Names, isBelowChanged: boolean): boolean {
    let node: Used | undefined = this.#root
    for (const [depth, name] of names.entries()) {
      if (node.isWhole || (node.isListed && depth === names.length - 1)) return true
      node = node.inner.get(name)
      if (node === undefined) return false
    }
    // Otherwise something below it was used.
    return isBelowChanged || node.isUsed || node.isListed || node.isWhole
  }

  #node(names: Names): Used {
    let node = this.#root
    if (node.isWhole) return node
    for (const name of names) {
      let inner = node.inner.get(name)
      if (inner === undefined) {
        if (this.#count === maxNames) return this.#all()
        node.inner.set(name, (inner = unused()))
        this.#count += 1
      }
      node = inner
    }
    return node
  }

  #all(): Used {
    this.#root.isWhole = true
    this.#root.inner.clear()
    return this.#root
  }
}

function unused(): Used {
  return { isUsed: false, isListed: false, isWhole: false, inner: new Map() }
}
