/** The plainest tree that does what a journal does: for comparisons. */

/** A file has text; a folder has entries. */
export interface PlainNode {
  readonly attributes: ReadonlyMap<string, string>
  readonly text?: string
  readonly entries?: ReadonlyMap<string, PlainNode>
}

export type PlainOp =
  | { readonly op: 'write'; readonly path: string; readonly text: string }
  | { readonly op: 'append'; readonly path: string; readonly text: string }
  | { readonly op: 'mkdir'; readonly path: string }
  | { readonly op: 'rm'; readonly path: string; readonly recursive: boolean }
  | { readonly op: 'mv' | 'cp'; readonly from: string; readonly to: string }
  | { readonly op: 'mark'; readonly path: string; readonly value: string | undefined }

const emptyFolder: PlainNode = { attributes: new Map(), entries: new Map() }

/** A tree that never changes; `undefined` for what a journal refuses. */
export class PlainTree {
  readonly root: PlainNode

  constructor(root: PlainNode = emptyFolder) {
    this.root = root
  }

  after(op: PlainOp): PlainTree | undefined {
    switch (op.op) {
      case 'write': {
        const there = this.at(op.path)
        if (there?.entries !== undefined) return undefined
        return this.with(op.path, { attributes: there?.attributes ?? new Map(), text: op.text })
      }
      case 'append': {
        const there = this.at(op.path)
        if (there?.text === undefined) return undefined
        return this.with(op.path, { ...there, text: there.text + op.text })
      }
      case 'mkdir':
        return this.at(op.path) === undefined ? this.with(op.path, emptyFolder) : undefined
      case 'rm': {
        const there = this.at(op.path)
        if (there === undefined || op.path === '/') return undefined
        if (!op.recursive && (there.entries?.size ?? 0) > 0) return undefined
        return this.with(op.path, undefined)
      }
      case 'mv': {
        const { from, to } = op
        const there = this.at(from)
        const target = this.at(to)
        if (there === undefined || from === '/') return undefined
        if (from === to) return this
        if (`${to}/`.startsWith(`${from}/`) || `${from}/`.startsWith(`${to}/`) || to === '/') return undefined
        if (target?.entries !== undefined && (there.entries === undefined || target.entries.size > 0)) {
          return undefined
        }
        if (target?.text !== undefined && there.entries !== undefined) return undefined
        return this.with(from, undefined)?.with(to, there)
      }
      case 'cp': {
        const there = this.at(op.from)
        if (there === undefined || this.at(op.to) !== undefined) return undefined
        return this.with(op.to, there)
      }
      case 'mark': {
        const there = this.at(op.path)
        if (there === undefined) return undefined
        const attributes = new Map(there.attributes)
        if (op.value === undefined) attributes.delete('mark')
        else attributes.set('mark', op.value)
        return this.with(op.path, { ...there, attributes })
      }
    }
  }

  at(path: string): PlainNode | undefined {
    let node: PlainNode | undefined = this.root
    for (const name of namesOf(path)) node = node?.entries?.get(name)
    return node
  }

  /** The tree with another node at a path whose folder is there. */
  with(path: string, node: PlainNode | undefined): PlainTree | undefined {
    const replaced = (folder: PlainNode | undefined, names: readonly string[]): PlainNode | undefined => {
      const [name, ...rest] = names
      if (name === undefined) return node
      if (folder?.entries === undefined) return undefined
      const entries = new Map(folder.entries)
      if (rest.length > 0) {
        const inner = replaced(entries.get(name), rest)
        if (inner === undefined) return undefined
        entries.set(name, inner)
      } else if (node === undefined) entries.delete(name)
      else entries.set(name, node)
      return { ...folder, entries }
    }
    const root = replaced(this.root, namesOf(path))
    return root === undefined ? undefined : new PlainTree(root)
  }

  /** Paths, each with what is there: text of files, `/` for folders, and the attribute. */
  rows(): Map<string, string> {
    const found = new Map<string, string>()
    const visit = (path: string, { text, entries, attributes }: PlainNode): void => {
      found.set(path, `${text ?? '/'} ${attributes.get('mark') ?? ''}`)
      for (const name of [...(entries?.keys() ?? [])].toSorted()) {
        visit(`${path === '/' ? '' : path}/${name}`, entries!.get(name)!)
      }
    }
    visit('/', this.root)
    return found
  }
}

function namesOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '')
}
